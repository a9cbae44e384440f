"""Who trains in tests of the queue: takes orders, and says what a test wants said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from small_runs import make

from engine import events


class ObedientWorker(QObject):
    """Keeps every order; `finish` ends the run that it began."""

    said = Signal(object)
    state_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.state = "idle"
        self.orders: list[tuple[Any, Any, Any, Any]] = []
        self.levers: list[str] = []
        self.folder: Any = None
        self._made = 0

    def start(self, resolved: Any, home: Any = None, resume: Any = None, repeats: Any = None) -> None:
        self.orders.append((resolved, home, resume, repeats))
        self._enter("starting")

    def begin(self, repeat: int = 0) -> Path:
        """Say that the run has its folder."""
        _, home, _, _ = self.orders[-1]
        self._made += 1
        self.folder = make(home, f"run-{id(self)}-{self._made}")
        name = self.folder.path.name
        self._say(events.RunStarted(run=name, title="t", folder=str(self.folder.path), seed=0, group="g", repeat=repeat))
        self._enter("running")
        return Path(self.folder.path)

    def finish(self, outcome: Any = "done", sentence: str = "The end.", repeat: int = 0) -> Path:
        """Begin where that was not said, and end."""
        path = self.begin(repeat) if self.state == "starting" else Path(self.folder.path)
        self._say(events.RunEnded(outcome=outcome, sentence=sentence, clock=2.0))
        self._enter("idle")
        return path

    def refuse(self, sentence: str) -> None:
        self.said.emit(events.Refused(problems=({"path": "student.net", "sentence": sentence},)))
        self._enter("idle")

    def pause(self) -> None:
        self.levers.append("pause")

    def resume(self) -> None:
        self.levers.append("resume")

    def stop(self) -> None:
        self.levers.append("stop")

    def save_now(self) -> None:
        self.levers.append("save")

    def move_weight(self, term: str, weight: float) -> None:
        self.levers.append(f"{term} {weight}")

    def _say(self, event: events.Event) -> None:
        self.folder.append(event)
        self.said.emit(event)

    def _enter(self, state: str) -> None:
        self.state = state
        self.state_changed.emit(state)
