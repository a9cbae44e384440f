"""Closing the window while something runs: ask first, then keep the promise."""

from __future__ import annotations

from typing import Literal, Protocol

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from kdstudio.widgets import asking

QUESTION = (
    "Close when it is done, or stop it now? A stopped run leaves a checkpoint and can go on later; what waits in the queue "
    "stays there."
)


class Running(Protocol):
    """What runs in a window."""

    def keep_in_line(self) -> None:
        """Begin nothing more; what is stopped now stays in the queue."""

    def stop(self) -> None:
        """Stop all that runs, with checkpoints."""

    def stay(self) -> None:
        """The window is not to be closed after all."""


class Leaving:
    """What was promised about closing."""

    def __init__(self, window: QWidget, running: Running) -> None:
        self._window, self._running = window, running
        self._promise: Literal["", "when done", "stopping"] = ""

    def ask(self) -> None:
        """Ask what is to become of the run, unless that was said already."""
        if self._promise:
            return
        asking.ask(
            self._window, "A run is going on", QUESTION,
            [("Keep running", "quiet", self._stay), ("Close when done", "secondary", self._when_done),
             ("Stop and close", "primary", self._now)],
        )  # fmt: skip

    def idle(self) -> None:
        """Nothing runs any more: close where that was promised."""
        if self._promise:
            QTimer.singleShot(0, self._window, self._window.close)

    def _stay(self) -> None:
        self._promise = ""
        self._running.stay()

    def _when_done(self) -> None:
        self._promise = "when done"
        self._running.keep_in_line()
        self._window.setWindowTitle("kdstudio: closes when the run is done")

    def _now(self) -> None:
        self._promise = "stopping"
        self._running.stop()
