"""The points of a run from which another can start: its finished student, its best epoch, where it was saved last."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.events import Saved
from engine.lineage import FILES
from engine.runs.log import Log


@dataclass(frozen=True)
class Point:
    """One of them: which, when it was written (unix time), after which epoch (0 where the log does not say), its bytes."""

    which: str
    at: float
    epoch: int
    size: int


def points(path: Path) -> list[Point]:
    """Those that the run in a folder has, the most finished first."""
    epochs = {event.path: event.epoch for event in Log(path / "events.jsonl").of_kinds(Saved) if isinstance(event, Saved)}
    found = list[Point]()
    for which, file in FILES.items():
        if (path / file).is_file():
            stat = (path / file).stat()
            found.append(Point(which, stat.st_mtime, epochs.get(file, 0), stat.st_size))
    return found
