"""How all curves of a screen are looked at: over which x axis, how smooth, with or without outliers."""

from __future__ import annotations

import json
from typing import get_args

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QToolButton, QWidget

from kdstudio import theme
from kdstudio.charts.figures import tabular
from kdstudio.charts.lens import Lens
from kdstudio.charts.picker import QuietSlider, switch
from kdstudio.history.curve import XAxis


class LensBar(QWidget):
    """Chooses what the curves are drawn over and how much they are smoothed, as it was chosen last time."""

    def __init__(self, lens: Lens, screen: str) -> None:
        """`screen` is what its choices are remembered under."""
        super().__init__()
        self._lens, self._kept = lens, f"lens/{screen}"
        self._recall()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.HALF)
        group = QButtonGroup(self)
        self.axes: dict[XAxis, QToolButton] = {}
        for axis in get_args(XAxis):
            button = switch(axis, f"Draw all curves over {axis}")
            button.setChecked(axis == lens.axis)
            button.clicked.connect(lambda _checked=False, axis=axis: lens.set_axis(axis))
            group.addButton(button)
            row.addWidget(button)
            self.axes[axis] = button
        row.addSpacing(theme.SPACE)
        self.outliers = switch("ignore outliers", "Choose the y axes without regard to outliers; they are drawn nevertheless")
        self.outliers.setChecked(lens.calm)
        self.outliers.toggled.connect(lens.set_calm)
        row.addWidget(self.outliers)
        row.addSpacing(theme.SPACE)
        row.addWidget(theme.set_role(QLabel("smoothing"), "muted"))
        self.slider = QuietSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 99)
        self.slider.setMinimumWidth(theme.SPACE * 5)
        self.slider.setMaximumWidth(theme.SPACE * 11)
        self.slider.setValue(round(100 * lens.smoothing))
        self.slider.setAccessibleName("Smoothing")
        self.slider.setToolTip("Moving average; the raw curve stays faint below. At the left end: no smoothing at all")
        row.addWidget(self.slider, 1)
        self._words = QLabel()
        self._words.setFont(tabular(theme.TEXT - 1))
        self._words.setFixedWidth(self._words.fontMetrics().horizontalAdvance("none ") + 2)
        row.addWidget(self._words)
        self.slider.valueChanged.connect(self._smooth)
        self._smooth(self.slider.value())
        lens.changed.connect(self._keep)

    def choose(self, axis: XAxis) -> None:
        """Draw all curves over steps, epochs or time."""
        self.axes[axis].click()

    def _smooth(self, value: int) -> None:
        self._words.setText(f"{value / 100:.2f}" if value else "none")
        self._lens.set_smoothing(value / 100)

    def _recall(self) -> None:
        try:
            state = json.loads(str(QSettings().value(self._kept, "{}")))
        except ValueError:  # written by hand, or by another version
            return
        if isinstance(state, dict):
            self._lens.load(state)

    def _keep(self) -> None:
        QSettings().setValue(self._kept, json.dumps(self._lens.state()))
