"""Runs as CSV: the table of many, and the curves of one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from engine.events import Evaluated, Measured, Step
from engine.runs.folder import RunFolder
from engine.runs.rows import RunRow
from engine.whole import write_whole

Head = Sequence[tuple[str, Callable[[RunRow], Any]]]
"""The columns of a table: what stands above, and what a run says."""


def save_rows(rows: Iterable[RunRow], head: Head, path: Path) -> None:
    """Write the table of some runs. Raises OSError where it cannot be written."""
    _save(path, [name for name, _ in head], ([_said(value(row)) for _, value in head] for row in rows))


def save_curves(run: RunFolder, path: Path) -> None:
    """Write everything a run measured, a line for each point: stage, name, step, epoch, clock (seconds of running) and value.
    Raises OSError where it cannot be written."""
    _save(path, ["stage", "name", "step", "epoch", "seconds", "value"], _points(run))


def _points(run: RunFolder) -> Iterable[list[Any]]:
    for event in run.events():
        if isinstance(event, (Step, Measured)):
            for name, value in event.values.items():
                yield [event.stage, name, event.step, event.epoch, event.clock, value]
        elif isinstance(event, Evaluated):
            for name in ("top1", "top5", "loss"):
                value = getattr(event, name)
                yield [event.stage, f"{event.who}/{event.split}/{name}", event.step, event.epoch, event.clock, value]


def _said(value: Any) -> Any:
    """A cell: lists as words, nothing as nothing."""
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else "" if value is None else value


def _save(path: Path, head: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows(lines)
    write_whole(path, text.getvalue().encode("utf-8"))
