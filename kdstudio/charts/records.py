"""Stepping through the records of a watch: the newest is shown until someone goes back in time."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from engine.events import Watched
from kdstudio import theme
from kdstudio.charts.picker import QuietSlider
from kdstudio.charts.steady import Steady


class Records(QWidget):
    """A slider over the records of a watch with the epoch of the shown one. At its end it follows the run."""

    moved = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._records: list[Watched] = []
        self._slider = QuietSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, 0)
        self._slider.setAccessibleName("Epoch shown")
        self._slider.setToolTip("Go back in time; at the end it follows the run")
        self._words = Steady("epoch 00,000", size=theme.TEXT - 2)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._slider, 1)
        row.addWidget(self._words)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._slider.valueChanged.connect(self._say)

    def offer(self, records: list[Watched]) -> Watched | None:
        """Take the records there are now; gives the one to show, None where there is none."""
        other = bool(records and self._records) and records[0].watch != self._records[0].watch
        follows = other or self._slider.value() >= self._slider.maximum()
        self._records = list(records)
        self._slider.blockSignals(True)
        self._slider.setRange(0, max(0, len(records) - 1))
        if follows:
            self._slider.setValue(self._slider.maximum())
        self._slider.blockSignals(False)
        self.setVisible(len(records) > 1)
        self._write()
        return self._records[self._slider.value()] if self._records else None

    def _say(self) -> None:
        self._write()
        self.moved.emit()

    def _write(self) -> None:
        if self._records:
            self._words.set_text(f"epoch {self._records[self._slider.value()].epoch:,}")
