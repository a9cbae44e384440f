"""What the commands share: their options, tables, and how each is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from engine import cataloguing, extras, plugins, presets, runs

Preset = Annotated[str, typer.Argument(help="A preset's name (experiments/digits-reffakd) or the path of a YAML file.")]
Sets = Annotated[list[str] | None, typer.Option("--set", help="Change one setting: --set training.epochs=3. Repeatable.")]
Runs = Annotated[Path | None, typer.Option("--runs", help="Folder of the runs (default: the user's data folder).")]
AsJson = Annotated[bool, typer.Option("--json", help="Every event as a line of JSON.")]


def print_rows(rows: list[tuple[Any, ...]]) -> None:
    """Aligned columns, one row a line whatever the terminal's width: nothing one would copy or search for is cut."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in range(len(texts[0]))]
    for row in texts:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def resolved_of(preset: str, sets: list[str] | None) -> presets.Resolved:
    """The experiment that a command was given. Ends the command with the reason where it cannot be had."""
    look_at_plugins()
    try:
        return presets.resolve(preset, sets or [])
    except presets.PresetError as error:
        raise refusal("\n".join(str(p) for p in error.problems)) from error


def look_at_plugins() -> None:
    """The plug-ins as they stand now, so that a preset may name them; loads torch only where they changed."""
    if extras.read().checked != plugins.sources():
        cataloguing.complete(())


def stored(path: Path) -> presets.Resolved:
    """The experiment of a run's folder."""
    try:
        return runs.RunFolder.open(path).experiment()
    except presets.PresetError as error:
        raise refusal("\n".join(str(p) for p in error.problems)) from error


def run_folder(run: str, home: Path) -> Path:
    """The folder of a run that is named or pointed at."""
    for path in (Path(run).expanduser(), home / run):
        if (path / "experiment.yaml").is_file():
            return path
    raise refusal(f"there is no run {run!r} in {home}; `kdstudio list runs --runs {home}` names those there are")


def refusal(sentence: str) -> typer.Exit:
    """Say on standard error why not, and end with 2."""
    typer.echo(sentence, err=True)
    return typer.Exit(2)
