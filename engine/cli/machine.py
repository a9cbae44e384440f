"""`kdstudio bench`, `doctor` and `catalog`: this machine measured and examined, and the declarations written down."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer

from engine import catalogue_file, cataloguing, extras, presets, runs, shipped
from engine.cli.words import Runs, Sets, refusal, resolved_of

BROUGHT: dict[str, Callable[[presets.Resolved], int]] = {}
"""Benchmarks of what stands above the engine, brought by who calls this terminal: name -> measure and print, exit code."""


def bench(
    what: Annotated[str, typer.Argument(help="step, run, train, kmeans, window or all.")] = "all",
    preset: Annotated[str, typer.Option(help="The experiment to measure with.")] = "experiments/digits-reffakd",
    sets: Sets = None,
) -> None:
    """Measure: both sides of each ratio come from one run."""
    from engine import bench as benches

    names = [*benches.ALL, *BROUGHT]
    if what not in (*names, "all"):
        raise refusal(f"there is no benchmark {what!r}; choose {', '.join([*names, 'all'])}")
    resolved, code = resolved_of(preset, sets), 0
    for name in names if what == "all" else [what]:
        if name in BROUGHT:
            code = max(code, BROUGHT[name](resolved))
            continue
        for line in benches.ALL[name](resolved):
            typer.echo(line)
    raise typer.Exit(code)


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
    text = catalogue_file.to_json(cataloguing.build())
    if not write:
        typer.echo(text, nl=False)
        return
    path = shipped.place("assets") / "catalog.json"
    path.write_text(text, encoding="utf-8")
    typer.echo(path)


def _catalog_user(named: list[str], shapes: list[tuple[int, int]]) -> None:
    from engine.nets import NetError

    if hasattr(os, "nice"):
        os.nice(10)  # it takes minutes, and the window asks for it in the background
    try:
        kept = cataloguing.complete(named, shapes) if named else cataloguing.refresh(lambda key: typer.echo(key, err=True))
    except NetError as error:
        raise refusal(str(error)) from error
    for problem in (*kept.problems, *kept.method_problems):
        typer.echo(problem, err=True)
    typer.echo(extras.path())


def _shape(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if not found:
        raise refusal(f"{text!r} is no shape of images; write channels and side, such as 3x48")
    return int(found[1]), int(found[2])
