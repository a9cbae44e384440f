"""One cross for all plots of a screen: where the pointer is in one of them, the others show the same place."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

PASS = 33
"""Milliseconds between two moves: a pointer moves oftener than anybody looks."""


class Crossing(QObject):
    """Plots say where the pointer is in them. `moved` carries that plot, the scale of its x axis and the place on it; no scale
    where the pointer is in none. Who hears of it and has another scale shows nothing."""

    moved = Signal(object, str, float)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._next: tuple[object, str, float] = (None, "", 0.0)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PASS)
        self._timer.timeout.connect(lambda: self.moved.emit(*self._next))

    def point(self, plot: QObject, scale: str, x: float) -> None:
        """The pointer is at a place on a plot's x axis."""
        self._tell(plot, scale, x)

    def leave(self, plot: QObject) -> None:
        """The pointer has left a plot; where it has come to another by now, that stands."""
        if self._next[0] is plot:
            self._tell(plot, "", 0.0)

    def _tell(self, plot: QObject, scale: str, x: float) -> None:
        self._next = (plot, scale, x)
        if not self._timer.isActive():
            self._timer.start()
