"""`kdstudio list`, `show`, `export` and `evaluate`: what there is, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from engine import cards, extras, presets, runs
from engine.cli.words import Preset, Runs, Sets, look_at_plugins, print_rows, refusal, resolved_of, run_folder


def list_(
    what: Annotated[str, typer.Argument(help="presets, sweeps, methods, nets, datasets or runs.")] = "presets",
    runs_folder: Runs = None,
    where: Annotated[str, typer.Option("--where", help="Of runs only some: 'top1 > 90 and method:dkd not archived'.")] = "",
) -> None:
    """What there is."""
    if what in ("nets", "methods"):
        look_at_plugins()
    known = extras.catalogue()
    tables: dict[str, Any] = {
        "presets": lambda: [("name", "title")] + [(p.name, p.title) for p in presets.names()],
        "sweeps": lambda: [("name", "title")] + [(s.name, s.title) for s in presets.names((presets.SWEEPS,))],
        "methods": lambda: [("method", "title", "paper")] + [(c.key, c.title, c.paper) for c in known.methods.values()],
        "nets": lambda: [("net", "parameters", "multiply-adds", "sides")]
        + [(c.key, f"{c.parameters:,}", f"{c.multiply_adds:,}", _sides(c)) for c in known.nets.values()],
        "datasets": lambda: [("dataset", "title", "classes", "images")]
        + [(c.key, c.title, c.classes or "", c.train_images + c.test_images or "") for c in known.datasets.values()],
        "runs": lambda: [("run", "state", "top-1", "experiment")]
        + [(r.name, r.state, "" if r.top1_last is None else f"{r.top1_last:.2f}", r.title)
           for r in _runs(runs_folder or runs.home(), where)],
    }  # fmt: skip
    if what not in tables:
        raise refusal(f"there is nothing named {what!r} to list; choose {', '.join(tables)}")
    print_rows(tables[what]())
    if what == "nets":
        _about_nets()
    elif what == "methods":
        for problem in extras.read().method_problems:
            typer.echo(problem, err=True)


def _runs(home: Path, where: str) -> list[runs.RunRow]:
    """The runs for which a filter holds, newest first."""
    from engine.runs import filtering

    try:
        holds = filtering.read(where).holds
    except filtering.FilterError as error:
        raise refusal(f"--where: {error} (at character {error.at + 1})") from error
    return [row for row in runs.listing(home) if holds(row)]


def _about_nets() -> None:
    """Say of nets what no table can: which files of the user's cannot be used, and which nets are not counted yet."""
    kept = extras.read()
    for problem in kept.problems:
        typer.echo(problem, err=True)
    if not kept.whole:
        typer.echo("torchvision's nets are listed once counted, which takes minutes: kdstudio catalog --user", err=True)


def _sides(card: cards.NetCard) -> str:
    return f"{card.exact} exactly" if card.exact else f"from {card.smallest}"


def show(
    preset: Preset,
    sets: Sets = None,
    origins: Annotated[bool, typer.Option("--origins", help="Say beside each value which overlay decided it.")] = False,
) -> None:
    """The whole resolved experiment of a preset as YAML."""
    resolved = resolved_of(preset, sets)
    if not origins:
        typer.echo(presets.to_yaml(resolved), nl=False)
        return
    print_rows([("setting", "decided by"), *sorted(resolved.origins.items())])


def export(
    run: Annotated[str, typer.Argument(help="A run's name or folder.")],
    out: Annotated[
        Path,
        typer.Argument(help="Folder for student.safetensors and preset.yaml, or a file for the student alone: .onnx, .pt2, …"),
    ],
    runs_folder: Runs = None,
) -> None:
    """The student and the preset of a finished run, or the student alone in the form that the file's ending names; verified
    after writing."""
    from engine.export import bundle
    from engine.export.student import StudentError

    folder = run_folder(run, runs_folder or runs.home())
    try:
        if out.suffix and not out.is_dir():
            bundle.write_student(folder, out)
            typer.echo(out)
            return
        for path in bundle.write(folder, out):
            typer.echo(path)
    except (StudentError, OSError) as error:
        raise refusal(str(error)) from error


def evaluate(
    file: Annotated[Path, typer.Argument(help="student.safetensors, or a state dict (.pth .pt .th .safetensors) with --net.")],
    dataset: Annotated[str, typer.Option(help="Dataset to evaluate on.")],
    net: Annotated[str, typer.Option(help="The net of a plain state dict; a student file knows its own.")] = "",
    root: Annotated[str, typer.Option(help="Folder of the data.")] = "",
    split: Annotated[str, typer.Option(help="test or train.")] = "test",
    normalization: Annotated[
        str, typer.Option(help="auto: what the file or its publisher says; dataset, imagenet, cifar10, cifar100, half, none.")
    ] = "auto",
) -> None:
    """Accuracy of a checkpoint in float32. The first line reads `top1 NN.NN`; how the file was read is said on the error
    output."""
    from engine import data, nets, scoring, sources
    from engine.export.header import StudentError

    try:
        found, notes = scoring.of_file(file, net, dataset, root, split, normalization)
    except (data.DataError, nets.NetError, StudentError, sources.SourceError, scoring.ScoringError) as error:
        raise refusal(str(error)) from error
    for note in notes:
        typer.echo(note, err=True)
    typer.echo(f"top1 {found.top1:.2f}\ntop5 {found.top5:.2f}\nloss {found.loss:.4f}\nimages {found.images}")
