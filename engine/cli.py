"""The terminal: what each command of `kdstudio` reads, refuses and prints."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from engine import cards, cataloguing, extras, plugins, presets, runs
from engine.cli_compare import compare, latency
from engine.cli_dataset import dataset
from engine.cli_measure import probe, recognise
from engine.cli_predict import predict
from engine.control import Control
from engine.importing.terminal import import_
from engine.monitor import Monitor, say_lines

cli = typer.Typer(
    name="kdstudio",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Compression experiments in the terminal. Without a command the window opens.",
)

BROUGHT: dict[str, Callable[[presets.Resolved], int]] = {}
"""Benchmarks of what stands above the engine, brought by who calls this terminal: name -> measure and print, exit code."""

Preset = Annotated[str, typer.Argument(help="A preset's name (experiments/digits-reffakd) or the path of a YAML file.")]
Sets = Annotated[list[str] | None, typer.Option("--set", help="Change one setting: --set training.epochs=3. Repeatable.")]
Runs = Annotated[Path | None, typer.Option("--runs", help="Folder of the runs (default: the user's data folder).")]
AsJson = Annotated[bool, typer.Option("--json", help="Every event as a line of JSON.")]


@cli.command()
def train(
    preset: Annotated[str, typer.Argument(help="A preset's name or a path; not needed with --resume.")] = "",
    sets: Sets = None,
    runs_folder: Runs = None,
    resume: Annotated[str, typer.Option("--resume", help="Go on with a stopped or killed run: its name or folder.")] = "",
    join: Annotated[str, typer.Option(help="With a preset: the run whose group it joins, or that goes on with it.")] = "",
    repeats: Annotated[list[int] | None, typer.Option("--repeat", help="Only this repeat, counted from 0. Repeatable.")] = None,
    steered: Annotated[bool, typer.Option("--steered", help="Obey pause, resume, save and stop on standard input.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run an experiment to its end; Ctrl-C stops it with a checkpoint."""
    if bool(preset) == bool(resume):
        raise _refusal("name either a preset or, with --resume, a run")
    if resume and sets:
        raise _refusal("a resumed run keeps its settings; leave out --set, or start its experiment.yaml anew with it")
    known = resume or join
    path = _run_folder(known, runs_folder or runs.home()) if known else None
    resolved = _stored(path) if path is not None and resume else resolved_of(preset, sets)
    control = Control()
    if steered:
        from engine import steering

        steering.follow(sys.stdin, control)
    raise typer.Exit(_train(resolved, runs_folder, path, as_json, control, repeats or None))


def _train(
    resolved: presets.Resolved, home: Path | None, path: Path | None, as_json: bool, control: Control, repeats: list[int] | None
) -> int:
    from engine import session

    before = {asked: signal.signal(asked, lambda *_: control.stop()) for asked in (signal.SIGINT, signal.SIGTERM)}
    try:
        if as_json:
            outcome = session.run(resolved, say_lines, control, home=home, resume=path, repeats=repeats)
        else:
            with Monitor(Console()) as monitor:
                outcome = session.run(resolved, monitor, control, home=home, resume=path, repeats=repeats)
    except session.RefusedError:
        return 2
    finally:
        for asked, earlier in before.items():
            signal.signal(asked, earlier)
    if not as_json and outcome.outcome == "stopped":
        typer.echo(f"Go on with: kdstudio train --resume {outcome.folders[-1]}")
    return {"done": 0, "stopped": 3, "failed": 1}[outcome.outcome]


@cli.command()
def sweep(
    file: Annotated[str, typer.Argument(help="A sweep's name (sweeps/digits-reffakd-softness) or the path of a YAML file.")],
    sets: Sets = None,
    runs_folder: Runs = None,
    as_json: AsJson = False,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Leave out what is refused, go on after a failure.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Make the report anew from the runs that are done.")] = False,
    entries: Annotated[bool, typer.Option("--entries", help="Only say what would be run.")] = False,
) -> None:
    """Run every entry of a sweep on the same seeds, or go on with it; ends with a table, CSV files and plots."""
    from engine import sweeps
    from engine.sweeps import terminal

    _look_at_plugins()
    try:
        made = sweeps.read(file)
        found = sweeps.entries(made, sets or [])
        if entries:
            terminal.announce(made, found)
            return
        home = runs_folder or runs.home()
        code = terminal.remade(made, found, home) if report else terminal.drive(made, found, home, keep_going, as_json)
    except presets.PresetError as error:
        raise _refusal("\n".join(str(p) for p in error.problems)) from error
    except sweeps.SweepError as error:
        raise _refusal(str(error)) from error
    raise typer.Exit(code)


@cli.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help="student.safetensors, or a state dict (.pth .pt .th .safetensors) with --net.")],
    dataset: Annotated[str, typer.Option(help="Dataset to evaluate on.")],
    net: Annotated[str, typer.Option(help="The net of a plain state dict; a student file knows its own.")] = "",
    root: Annotated[str, typer.Option(help="Folder of the data.")] = "",
    split: Annotated[str, typer.Option(help="test or train.")] = "test",
    normalisation: Annotated[
        str, typer.Option(help="auto: what the file or its publisher says; dataset, imagenet, cifar10, cifar100, half, none.")
    ] = "auto",
) -> None:
    """Accuracy of a checkpoint in float32. The first line reads `top1 NN.NN`; how the file was read is said on the error
    output."""
    from engine import data, nets, scoring, sources
    from engine.export.header import StudentError

    try:
        found, notes = scoring.of_file(file, net, dataset, root, split, normalisation)
    except (data.DataError, nets.NetError, StudentError, sources.SourceError, scoring.ScoringError) as error:
        raise _refusal(str(error)) from error
    for note in notes:
        typer.echo(note, err=True)
    typer.echo(f"top1 {found.top1:.2f}\ntop5 {found.top5:.2f}\nloss {found.loss:.4f}\nimages {found.images}")


cli.command()(predict)
cli.command()(dataset)
cli.command("import")(import_)
cli.command()(compare)
cli.command()(latency)
cli.command()(probe)
cli.command()(recognise)


@cli.command("list")
def list_(
    what: Annotated[str, typer.Argument(help="presets, sweeps, methods, nets, datasets or runs.")] = "presets",
    runs_folder: Runs = None,
    where: Annotated[str, typer.Option("--where", help="Of runs only some: 'top1 > 90 and method:dkd not archived'.")] = "",
) -> None:
    """What there is."""
    if what in ("nets", "methods"):
        _look_at_plugins()
    known = cards.catalogue()
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
        raise _refusal(f"there is nothing named {what!r} to list; choose {', '.join(tables)}")
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
        raise _refusal(f"--where: {error} (at character {error.at + 1})") from error
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


def print_rows(rows: list[tuple[Any, ...]]) -> None:
    """Aligned columns, one row a line whatever the terminal's width: nothing one would copy or search for is cut."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in range(len(texts[0]))]
    for row in texts:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


@cli.command()
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


@cli.command()
def export(
    run: Annotated[str, typer.Argument(help="A run's name or folder.")],
    out: Annotated[Path, typer.Argument(help="Folder to write student.safetensors and preset.yaml into.")],
    runs_folder: Runs = None,
) -> None:
    """The student and the preset of a finished run, verified after writing."""
    from engine.export import bundle
    from engine.export.student import StudentError

    try:
        for path in bundle.write(_run_folder(run, runs_folder or runs.home()), out):
            typer.echo(path)
    except (StudentError, OSError) as error:
        raise _refusal(str(error)) from error


@cli.command()
def bench(
    what: Annotated[str, typer.Argument(help="step, run, train, kmeans, window or all.")] = "all",
    preset: Annotated[str, typer.Option(help="The experiment to measure with.")] = "experiments/digits-reffakd",
    sets: Sets = None,
) -> None:
    """Measure: both sides of each ratio come from one run."""
    from engine import bench as benches

    names = [*benches.ALL, *BROUGHT]
    if what not in (*names, "all"):
        raise _refusal(f"there is no benchmark {what!r}; choose {', '.join([*names, 'all'])}")
    resolved, code = resolved_of(preset, sets), 0
    for name in names if what == "all" else [what]:
        if name in BROUGHT:
            code = max(code, BROUGHT[name](resolved))
            continue
        for line in benches.ALL[name](resolved):
            typer.echo(line)
    raise typer.Exit(code)


@cli.command()
def doctor(
    runs_folder: Runs = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every finding as a line of JSON.")] = False,
) -> None:
    """Device, precision, libraries and folders, each with a fix where it fails."""
    from engine import doctor as examination

    fine = True
    for finding in examination.examine(runs_folder or runs.home()):
        words = f"{'ok ' if finding.fine else 'NO '} {finding.name:<12} {finding.sentence}"
        typer.echo(json.dumps(asdict(finding), ensure_ascii=False) if as_json else words)
        fine = fine and finding.fine
    raise typer.Exit(0 if fine else 1)


@cli.command()
def catalog(
    write: Annotated[bool, typer.Option("--write/--print", help="Write assets/catalog.json or print it.")] = True,
    user: Annotated[
        bool, typer.Option("--user", help="Instead read your methods and nets and count torchvision's, for your cache folder.")
    ] = False,
    nets: Annotated[list[str] | None, typer.Option("--net", help="With --user: only this net. Repeatable.")] = None,
    shapes: Annotated[
        list[str] | None, typer.Option("--shape", help="With --net: also for images such as 3x48. Repeatable.")
    ] = None,
) -> None:
    """Write the catalogue of methods, nets and datasets from the code; after adding one."""
    if user:
        _catalog_user(nets or [], [_shape(text) for text in shapes or ()])
        return
    text = cataloguing.build().to_json()
    if not write:
        typer.echo(text, nl=False)
        return
    path = cards.place("assets") / "catalog.json"
    path.write_text(text, encoding="utf-8")
    typer.echo(path)


def _catalog_user(named: list[str], shapes: list[tuple[int, int]]) -> None:
    from engine.nets import NetError

    if hasattr(os, "nice"):
        os.nice(10)  # it takes minutes, and the window asks for it in the background
    try:
        kept = cataloguing.complete(named, shapes) if named else cataloguing.refresh(lambda key: typer.echo(key, err=True))
    except NetError as error:
        raise _refusal(str(error)) from error
    for problem in (*kept.problems, *kept.method_problems):
        typer.echo(problem, err=True)
    typer.echo(extras.path())


def _shape(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if not found:
        raise _refusal(f"{text!r} is no shape of images; write channels and side, such as 3x48")
    return int(found[1]), int(found[2])


def resolved_of(preset: str, sets: list[str] | None) -> presets.Resolved:
    """The experiment that a command was given. Ends the command with the reason where it cannot be had."""
    _look_at_plugins()
    try:
        return presets.resolve(preset, sets or [])
    except presets.PresetError as error:
        raise _refusal("\n".join(str(p) for p in error.problems)) from error


def _look_at_plugins() -> None:
    """The plug-ins as they stand now, so that a preset may name them; loads torch only where they changed."""
    if extras.read().checked != plugins.sources():
        cataloguing.complete(())


def _stored(path: Path) -> presets.Resolved:
    try:
        return runs.RunFolder.open(path).experiment()
    except presets.PresetError as error:
        raise _refusal("\n".join(str(p) for p in error.problems)) from error


def _run_folder(run: str, home: Path) -> Path:
    for path in (Path(run).expanduser(), home / run):
        if (path / "experiment.yaml").is_file():
            return path
    raise _refusal(f"there is no run {run!r} in {home}; `kdstudio list runs --runs {home}` names those there are")


def _refusal(sentence: str) -> typer.Exit:
    """Say on standard error why not, and end with 2."""
    typer.echo(sentence, err=True)
    return typer.Exit(2)
