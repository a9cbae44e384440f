"""`kdstudio compare` and `kdstudio latency`: runs laid side by side, and how quick their students are on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from engine import runs
from engine.cli.words import refusal, run_folder

Chosen = Annotated[list[str], typer.Argument(metavar="RUN...", help="Names or folders of runs.")]
Home = Annotated[Path | None, typer.Option("--runs", help="Folder of the runs (default: the user's data folder).")]


def compare(
    chosen: Chosen,
    baseline: Annotated[str, typer.Option(help="The run that the others are compared with (default: the first).")] = "",
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML file that needs nothing else.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the report as Markdown.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write a row each run; means and gains go to NAME-means.csv.")] = None,
    runs_folder: Home = None,
) -> None:
    """Lay two to twenty runs side by side: results beside a baseline, what differs, and a report."""
    from engine.comparison import CompareError, Comparison, terminal

    home = runs_folder or runs.home()
    try:
        paths = [run_folder(run, home) for run in chosen]
        found = Comparison.of(paths, run_folder(baseline, home) if baseline else None, home)
        terminal.show(found, Console())
        for path in terminal.write(found, html, markdown, csv):
            typer.echo(path)
    except CompareError as error:
        raise refusal(str(error)) from error
    except OSError as error:
        raise refusal(f"{error.filename} cannot be written: {error.strerror}; choose another folder") from error


def latency(
    chosen: Chosen,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each run.")] = False,
    runs_folder: Home = None,
) -> None:
    """Measure how quick the students of runs are, in turn and alike, and keep that with each run for comparisons."""
    from engine import latency as clocks
    from engine.comparison import CompareError
    from engine.export.header import StudentError
    from engine.resources import find_device

    home = runs_folder or runs.home()
    try:
        found = clocks.measure([run_folder(run, home) for run in chosen], find_device(device))
    except (CompareError, StudentError, OSError, ValueError) as error:
        raise refusal(str(error)) from error
    for path, measured in found.items():
        if as_json:
            typer.echo(json.dumps({"run": str(path), **measured}))
        else:
            words = "  ".join(f"{time:.2f} ms for {count}" for count, time in measured["milliseconds"].items())
            typer.echo(f"{path.name}  {words}")
