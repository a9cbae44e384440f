"""`kdstudio import FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine import importing
from engine.importing.found import Imported
from engine.presets import PresetError
from engine.presets.dialect import dump
from engine.presets.places import name_of

File = Annotated[Path, typer.Argument(help="A config of mdistiller, or a preset of kdstudio from elsewhere (.yaml).")]
Name = Annotated[str, typer.Option("--name", help="What to call the preset, such as experiments/my-first.")]
Shown = Annotated[bool, typer.Option("--print", help="Write the preset to the terminal instead of keeping it.")]


def import_(file: File, name: Name = "", shown: Shown = False) -> None:
    """A preset of your own out of a config of mdistiller; what of it was not understood is listed."""
    try:
        found = importing.read(file)
        path = None if shown else importing.keep(found, name)
    except PresetError as error:
        typer.echo("\n".join(str(p) for p in error.problems), err=True)
        raise typer.Exit(2) from error
    if path is None:
        typer.echo(dump(found.tree), nl=False)
    _tell(found)
    if path is not None:
        typer.echo(f"{path}\nRun it: kdstudio train {name_of(path)}")


def _tell(found: Imported) -> None:
    """What did not come along, on the error output."""
    for note in found.notes:
        typer.echo(note, err=True)
    if found.left:
        typer.echo("Not understood:", err=True)
    for left in found.left:
        typer.echo(f"  {left}", err=True)
    if found.aside:
        typer.echo(f"Without effect here: {', '.join(left.key for left in found.aside)}", err=True)
