"""Closing the window while something runs: ask first, then keep the promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from kdstudio import asking

QUESTION = "Close when it is done, or stop it now? A stopped run leaves a checkpoint and can go on later."


class Leaving:
    """What was promised about closing. `stop` ends the run with a checkpoint."""

    def __init__(self, window: QWidget, stop: Callable[[], None]) -> None:
        self._window, self._stop = window, stop
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

    def _when_done(self) -> None:
        self._promise = "when done"
        self._window.setWindowTitle("kdstudio: closes when the run is done")

    def _now(self) -> None:
        self._promise = "stopping"
        self._stop()
