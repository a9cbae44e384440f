"""`kdstudio probe` and `kdstudio recognize`: what an experiment will take, and what a checkpoint holds."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from engine import runs
from engine.cli.words import print_rows, refusal, resolved_of

AsJson = Annotated[bool, typer.Option("--json", help="What is found as a line of JSON.")]


def probe(
    preset: Annotated[str, typer.Argument(help="A preset's name or the path of a YAML file.")],
    sets: Annotated[list[str] | None, typer.Option("--set", help="Change one setting. Repeatable.")] = None,
    runs_folder: Annotated[Path | None, typer.Option("--runs", help="Folder of the runs.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what an experiment will take, time and memory, from a few steps of each of its stages; nothing is kept of it."""
    from engine import probing, session
    from engine.control import Control, Stopped

    resolved, home = resolved_of(preset, sets), runs_folder or runs.home()
    problems = session.refusals(resolved, home)
    if problems:
        raise refusal("\n".join(str(problem) for problem in problems))
    control = Control()
    before = {asked: signal.signal(asked, lambda *_: control.stop()) for asked in (signal.SIGINT, signal.SIGTERM)}
    try:
        cost = probing.measure(resolved, home, lambda title: _tell(title, as_json), control)
    except session.FORESEEN as error:
        raise refusal(str(error)) from error
    except Stopped as stopped:
        raise typer.Exit(3) from stopped
    finally:
        for asked, earlier in before.items():
            signal.signal(asked, earlier)
    if as_json:
        typer.echo(json.dumps({"cost": cost.as_json()}))
    else:
        print_rows(probing.rows(cost))


def _tell(title: str, as_json: bool) -> None:
    """Which stage is being measured; on the error output where a person reads the table."""
    typer.echo(json.dumps({"measuring": title}) if as_json else title, err=not as_json)


def recognize(
    file: Annotated[Path, typer.Argument(help="A checkpoint: .safetensors, or a .pth, .pt or .th state dict.")],
    channels: Annotated[int, typer.Option(help="Channels of the images it may be for.")] = 3,
    size: Annotated[int, typer.Option(help="Side of the images it may be for.")] = 32,
    as_json: AsJson = False,
) -> None:
    """Say which net a checkpoint holds, how many classes it tells apart, and whether it is a published one."""
    from engine.nets import NetError
    from engine.sources import recognizing

    try:
        found = recognizing.recognize(file, channels, size)
    except (NetError, OSError) as error:
        raise refusal(str(error)) from error
    typer.echo(json.dumps({"recognized": asdict(found)}) if as_json else found.in_words())
