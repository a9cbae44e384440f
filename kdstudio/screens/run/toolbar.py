"""How all curves are looked at: x axis and smoothing."""

from __future__ import annotations

from typing import get_args

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QToolButton, QWidget

from kdstudio import theme
from kdstudio.charts.figures import tabular
from kdstudio.charts.lens import Lens
from kdstudio.charts.picker import QuietSlider
from kdstudio.curve import XAxis


class LensBar(QWidget):
    """Chooses what the curves are drawn over and how much they are smoothed."""

    def __init__(self, lens: Lens) -> None:
        super().__init__()
        self._lens = lens
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.HALF)
        row.addWidget(theme.set_role(QLabel("over"), "muted"))
        group = QButtonGroup(self)
        for axis in get_args(XAxis):
            button = theme.set_role(QToolButton(), "compact")
            button.setText(axis)
            button.setCheckable(True)
            button.setChecked(axis == lens.axis)
            button.setToolTip(f"Draw all curves over {axis}")
            button.clicked.connect(lambda _checked=False, axis=axis: lens.set_axis(axis))
            group.addButton(button)
            row.addWidget(button)
        row.addSpacing(theme.GAP)
        row.addWidget(theme.set_role(QLabel("smoothing"), "muted"))
        self.slider = QuietSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 99)
        self.slider.setFixedWidth(110)
        self.slider.setAccessibleName("Smoothing")
        self.slider.setToolTip("Moving average; the raw curve stays faint below. At the left end: no smoothing at all")
        row.addWidget(self.slider)
        self._words = QLabel()
        self._words.setFont(tabular(theme.TEXT - 1))
        self._words.setFixedWidth(self._words.fontMetrics().horizontalAdvance("none ") + 2)
        row.addWidget(self._words)
        self.slider.valueChanged.connect(self._smooth)
        self._smooth(0)

    def _smooth(self, value: int) -> None:
        self._words.setText(f"{value / 100:.2f}" if value else "none")
        self._lens.set_smoothing(value / 100)
