"""A log that somebody else writes, followed from where one has read it: only what is new is read."""

from __future__ import annotations

from pathlib import Path

from engine.events import Event, from_line
from engine.runs.log import standing


class Tail:
    """The end of `events.jsonl`. A line counts once its newline is there; what a kill left of one is cut off by whoever
    goes on with the run, and read anew from there."""

    def __init__(self, path: Path) -> None:
        """Of the run in the folder `path`, from its first line on."""
        self._path = path / "events.jsonl"
        self._at = 0

    def so_far(self) -> list[Event]:
        """Everything that was said and still holds; what comes after it is news. Raises OSError for an unreadable log."""
        return standing(self._lines())

    def news(self) -> list[Event]:
        """What was said since the last call, a RunResumed that takes some of it back included. Raises ValueError for a
        damaged line, OSError where the log cannot be read."""
        return [from_line(line.decode("utf-8")) for line in self._lines() if line]

    def _lines(self) -> list[bytes]:
        """The whole lines that were not read yet."""
        if not self._path.is_file() or self._path.stat().st_size <= self._at:
            return []
        with self._path.open("rb") as file:
            file.seek(self._at)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._at += len(whole) + len(newline)
        return whole.split(b"\n") if newline else []
