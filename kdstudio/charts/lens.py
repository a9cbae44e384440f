"""How all curves of a run are looked at: the x axis they share and how much they are smoothed."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from kdstudio.curve import XAxis


class Lens(QObject):
    """Shared by the charts of a screen; `changed` asks all of them to draw anew."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.axis: XAxis = "epoch"
        self.smoothing = 0.0

    def set_axis(self, axis: XAxis) -> None:
        """Step, epoch or time."""
        if axis != self.axis:
            self.axis = axis
            self.changed.emit()

    def set_smoothing(self, weight: float) -> None:
        """Share of the past in the moving average; 0 is no smoothing at all."""
        if weight != self.smoothing:
            self.smoothing = weight
            self.changed.emit()
