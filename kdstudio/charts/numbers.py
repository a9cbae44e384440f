"""The card of numbers that are measured once or seldom: a name, its newest value, nothing that moves."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QWidget

from kdstudio import theme
from kdstudio.charts.card import Card, Rows
from kdstudio.charts.figures import WIDEST, figure
from kdstudio.charts.steady import Steady
from kdstudio.history import History


class NumbersCard(Card):
    """The newest value of every number it was told of."""

    def __init__(self, title: str, help: str, history: History) -> None:
        super().__init__(title, "", help)
        self.history = history
        self._labels: dict[str, tuple[str, Steady]] = {}
        page = QWidget()
        self._grid = QGridLayout(page)
        self._grid.setContentsMargins(0, 2, 8, 2)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(page)
        page.setAutoFillBackground(False)  # Qt turned it on when it took the page
        scroll.viewport().setAutoFillBackground(False)
        self.body.addWidget(scroll)

    def tell(self, name: str, title: str, unit: str = "", help: str = "") -> None:
        """Show this number from now on."""
        if name in self._labels:
            return
        row = len(self._labels)
        words, value = QLabel(title), Steady(WIDEST, "text")
        words.setWordWrap(True)
        words.setToolTip(help)
        value.setToolTip(help)
        self._grid.setRowStretch(row, 0)
        self._grid.addWidget(words, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(value, row, 1, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(theme.set_role(QLabel(unit), "faint"), row, 2, Qt.AlignmentFlag.AlignTop)
        self._grid.setRowStretch(row + 1, 1)
        self._labels[name] = (title, value)

    def wants(self, name: str) -> bool:
        """Whether a number is shown here."""
        return name in self._labels

    def redraw(self) -> None:
        """Write the newest values."""
        for name, (_, label) in self._labels.items():
            value = self.history.result(name)
            label.set_text(figure(float("nan") if value is None else value))

    def table(self) -> Rows:
        """Name and newest value."""
        yield ("number", "value")
        for name, (title, _) in self._labels.items():
            yield (title, self.history.result(name))
