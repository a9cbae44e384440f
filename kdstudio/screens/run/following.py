"""Following a run that another process writes: its log is read beside the window's thread, and what is new comes into it."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from engine.events import Event
from engine.runs import RunFolder
from engine.runs.tail import Tail
from kdstudio.background.chores import Chores

PACE = 500
"""Milliseconds between two looks."""

Found = tuple[Tail, list[Event], bool]


class Follower(QObject):
    """Follows one run at a time. `said` carries every new event in order, `alive` whether somebody is at the run whenever that
    changes, `failed` the sentence of a log that cannot be read any more, after which the follower rests."""

    said = Signal(object)
    alive = Signal(bool)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._chores = Chores(self)
        self._chores.failed.connect(self._give_up)
        self._timer = QTimer(self)
        self._timer.setInterval(PACE)
        self._timer.timeout.connect(self._look)
        self._tail: Tail | None = None
        self._folder: RunFolder | None = None
        self._alive = self._looking = False

    @property
    def follows(self) -> bool:
        """Whether there is a run to follow."""
        return self._tail is not None

    def follow(self, folder: RunFolder, tail: Tail, *, alive: bool) -> None:
        """Follow a run from where a tail has read it; `alive` is what is known of it."""
        self._folder, self._tail, self._alive = folder, tail, alive
        self._timer.start()

    def rest(self) -> None:
        """Follow nothing; what is being read is forgotten."""
        self._tail = self._folder = None
        self._timer.stop()

    def wait(self) -> None:
        """Until nothing is read any more: for the end of the program."""
        self._chores.wait()

    def _look(self) -> None:
        tail, folder = self._tail, self._folder
        if self._looking or tail is None or folder is None:
            return
        self._looking = True

        def look() -> Found:
            alive = folder.state() == "running"  # asked first: what it said before it ended is among the news then
            return tail, tail.news(), alive

        self._chores.do(look, self._take)

    def _take(self, found: Found) -> None:
        tail, events, alive = found
        self._looking = False
        if tail is not self._tail:
            return
        for event in events:
            self.said.emit(event)
        if alive != self._alive:
            self._alive = alive
            self.alive.emit(alive)

    def _give_up(self, sentence: str) -> None:
        self._looking = False
        if self._tail is not None:
            self.rest()
            self.failed.emit(f"The log of this run cannot be read any more: {sentence}")
