"""`events.jsonl`: what a run said, appended line by line, and read back whatever happened to its last line."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.events import KINDS, Event, RunEnded, RunResumed, RunStarted, from_line, to_line

TAIL = 1 << 18
"""Bytes at the end of a log in which its RunEnded stands, if there is one."""


class Log:
    """The log of one run. Many may read while one writes; a line is whole once its newline is there."""

    def __init__(self, path: Path) -> None:
        """The log at `path`, which need not exist yet."""
        self.path = path
        self._written: int | None = None
        self._mutex = threading.Lock()

    def append(self, event: Event) -> None:
        """Write one event, so that it survives the death of this process. The first one cuts off what a kill left of a
        line."""
        line = to_line(event).encode("utf-8") + b"\n"
        with self._mutex:
            if self._written is None:
                self._written = _mended(self.path)
            with self.path.open("ab") as file:
                file.write(line)
            self._written += 1

    def length(self) -> int:
        """How many whole lines the log has: what a checkpoint stores and a RunResumed calls `kept`."""
        with self._mutex:
            return sum(1 for _ in _whole_lines(self.path)) if self._written is None else self._written

    def events(self) -> list[Event]:
        """Everything said that still holds: without a torn last line, and without what a resume took back."""
        return standing(_whole_lines(self.path))

    def of_kinds(self, *kinds: type[Event]) -> list[Event]:
        """As `events`, but only some kinds; the other lines are not even read as JSON."""
        return _standing(_picked(self.path, {kind.__name__ for kind in (*kinds, RunResumed)}), kinds)

    def last_word(self) -> RunEnded | None:
        """How the last attempt ended, or None where it was interrupted or still runs. Reads only the end of the log."""
        for line in reversed(_tail(self.path)):
            name = _kind(line)
            if name == RunEnded.__name__:
                event = from_line(line.decode("utf-8"))
                return event if isinstance(event, RunEnded) else None
            if name in (RunStarted.__name__, RunResumed.__name__):
                return None
        return None

    def clock(self) -> float:
        """Seconds of running, pauses left out, when the run last said something."""
        lines = _tail(self.path)
        return from_line(lines[-1].decode("utf-8")).clock if lines else 0.0


def _mended(path: Path) -> int:
    """Cut a log off after its last whole line, and count its lines."""
    sizes = [len(line) + 1 for line in _whole_lines(path)]
    if path.is_file():
        os.truncate(path, sum(sizes))
    return len(sizes)


def _kind(line: bytes) -> str:
    """The name of a line's event without reading the rest: `to_line` writes it first."""
    head = b'{"event": "'
    return line[len(head) : line.find(b'"', len(head))].decode("ascii", "replace") if line.startswith(head) else ""


def standing(lines: Iterable[bytes]) -> list[Event]:
    """The events of the first lines of a log that no later RunResumed took back."""
    return _standing(enumerate(lines), tuple(KINDS.values()))


def _standing(lines: Iterable[tuple[int, bytes]], kinds: tuple[type[Event], ...]) -> list[Event]:
    """The events of some kinds that no later RunResumed took back, of numbered lines; empty ones say nothing."""
    kept: list[tuple[int, Event]] = []
    for number, line in lines:
        if not line:
            continue
        event = from_line(line.decode("utf-8"))
        if isinstance(event, RunResumed):
            kept = [(n, e) for n, e in kept if n < event.kept]
        if isinstance(event, kinds):
            kept.append((number, event))
    return [event for _, event in kept]


def _picked(path: Path, names: Iterable[str]) -> Iterator[tuple[int, bytes]]:
    """The whole lines of some events with their numbers, looked for by how they begin: of a long log that is mostly others,
    this takes a fraction of the time that going through its lines does. Numbers matter, and are counted, where it was
    resumed."""
    data = path.read_bytes() if path.is_file() else b""
    head = rb'\{"event": "(?:' + "|".join(names).encode("ascii") + rb')"'
    starts = [0] if re.match(head, data) else []
    starts += [found.start() + 1 for found in re.finditer(rb"\n" + head, data)]
    resumed = b'\n{"event": "RunResumed"' in data
    number = last = 0
    for start in starts:
        if resumed:
            number, last = number + data.count(b"\n", last, start), start
        end = data.find(b"\n", start)
        if end >= 0:
            yield number, data[start:end]


def _whole_lines(path: Path) -> Iterator[bytes]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line[:-1]


def _tail(path: Path) -> list[bytes]:
    """The whole lines in the last stretch of a file."""
    if not path.is_file():
        return []
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - TAIL))
        lines = file.read().split(b"\n")
    return lines[1 if size > TAIL else 0 : -1]
