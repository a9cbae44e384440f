"""Reads runs and their curves beside the window's thread; what has been read is kept until other runs are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from engine.comparison import Comparison, curves
from engine.runs import Column
from kdstudio.background.chores import Chores

T = TypeVar("T")

KEPT = 24
"""So many numbers of all runs are kept in memory; the one asked for longest ago goes first."""


class Reader(QObject):
    """One comparison at a time. `compared` carries it, `refused` why there is none, `read` the keys of curves now there."""

    compared = Signal(object)
    refused = Signal(str)
    read = Signal(tuple)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._chores = Chores(self, at_once=1)
        self._comparison: Comparison | None = None
        self._held: dict[str, dict[str, Column]] = {}
        self._wanted: list[str] = []
        self._reading: tuple[str, ...] = ()
        self._round = 0

    def compare(self, paths: Sequence[Path], baseline: Path | None, home: Path) -> None:
        """Read runs anew."""
        self._round += 1
        self._start(lambda: _whole(paths, baseline, home), self.compared.emit, self.refused.emit)

    def take(self, comparison: Comparison) -> None:
        """Read curves for this comparison from now on; those of other runs are forgotten."""
        self._comparison = comparison
        self._held.clear()
        self._wanted, self._reading = [], ()
        self._round += 1

    def curves(self, key: str) -> dict[str, Column] | None:
        """A number of every run that has it, by the run's name; None while it is being read."""
        found = self._held.pop(key, None)
        if found is not None:
            self._held[key] = found
        elif key not in self._wanted and key not in self._reading:
            self._wanted.append(key)
            self._next()
        return found

    def wait(self) -> None:
        """Until nothing is being read: for the end of the program, and for tests."""
        self._chores.wait()

    def _next(self) -> None:
        comparison, keys = self._comparison, tuple(self._wanted)
        if self._reading or not keys or comparison is None:
            return
        self._reading, self._wanted = keys, []
        self._start(lambda: [(s.name, curves.read(s, keys)) for s in comparison.sides], self._take_curves, self._give_up)

    def _take_curves(self, found: list[tuple[str, dict[str, Column]]]) -> None:
        keys, self._reading = self._reading, ()
        for key in keys:
            self._held[key] = {name: columns[key] for name, columns in found if key in columns and len(columns[key].values)}
        for key in list(self._held)[: max(0, len(self._held) - KEPT)]:
            del self._held[key]
        self.read.emit(keys)
        self._next()

    def _give_up(self, sentence: str) -> None:
        self._reading = ()
        self.refused.emit(sentence)

    def _start(self, work: Callable[[], T], then: Callable[[T], None], refused: Callable[[str], None]) -> None:
        """Have something done; what comes out too late, because other runs were asked for, is dropped."""
        asked = self._round

        def take(found: T) -> None:
            if asked == self._round:
                then(found)

        def refuse(sentence: str) -> None:
            if asked == self._round:
                refused(sentence)

        self._chores.do(work, take, refuse)


def _whole(paths: Sequence[Path], baseline: Path | None, home: Path) -> Comparison:
    """A comparison with everything reckoned that takes its time."""
    found = Comparison.of(paths, baseline, home)
    for part in (found.overlays, found.contenders, found.settings, found.metrics, [side.watched for side in found.sides]):
        del part
    return found
