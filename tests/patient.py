"""A window of the tests: its trainer takes every order and does only what the test says."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal


class PatientTrainer(QObject):
    """Takes every order and does what the test says."""

    said = Signal(object)
    state_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.state = "idle"
        self.orders: list[Any] = []

    def enter(self, state: str) -> None:
        self.state = state
        self.state_changed.emit(state)

    def start(self, resolved: Any, home: Any = None, resume: Any = None, repeats: Any = None) -> None:
        self.orders.append((resolved, home, resume))
        self.enter("running")

    def pause(self) -> None:
        self.orders.append("pause")

    def resume(self) -> None:
        self.orders.append("resume")

    def stop(self) -> None:
        self.orders.append("stop")
        self.enter("stopping")

    def save_now(self) -> None:
        self.orders.append("save")

    def move_weight(self, term: str, weight: float) -> None:
        self.orders.append(("move", term, weight))
