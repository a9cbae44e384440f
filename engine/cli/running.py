"""`kdstudio train` and `kdstudio sweep`: experiments run to their ends, or gone on with."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from engine import presets, runs
from engine.cli.words import AsJson, Runs, Sets, look_at_plugins, refusal, resolved_of, run_folder, stored
from engine.control import Control
from engine.monitor import Monitor, say_lines


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
        raise refusal("name either a preset or, with --resume, a run")
    if resume and sets:
        raise refusal("a resumed run keeps its settings; leave out --set, or start its experiment.yaml anew with it")
    known = resume or join
    path = run_folder(known, runs_folder or runs.home()) if known else None
    resolved = stored(path) if path is not None and resume else resolved_of(preset, sets)
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

    look_at_plugins()
    try:
        made = sweeps.read(file)
        found = sweeps.entries(made, sets or [])
        if entries:
            terminal.announce(made, found)
            return
        home = runs_folder or runs.home()
        code = terminal.remade(made, found, home) if report else terminal.drive(made, found, home, keep_going, as_json)
    except presets.PresetError as error:
        raise refusal("\n".join(str(p) for p in error.problems)) from error
    except sweeps.SweepError as error:
        raise refusal(str(error)) from error
    raise typer.Exit(code)
