"""Distributions as horizontal bars: one row a class, one bar a series, the number at the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from kdstudio import theme
from kdstudio.charts.figures import figure, number_width, tabular

NUMBERS = 2
"""Of so many series the numbers are written."""
APART = 10
"""Pixels before a number."""


@dataclass(frozen=True)
class Series:
    """One distribution: values (N,), its name and the number of its colour."""

    name: str
    values: NDArray[np.float64]
    index: int


class Bars(QWidget):
    """Rows of bars; at most as many rows as fit are shown, the largest first to be kept, in the order of the classes.

    `own` is the row that may dwarf all others: its bars are cut (and their numbers written) so that the rest is seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFont(tabular(theme.TEXT - 2))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.series: tuple[Series, ...] = ()
        self.names: list[str] = []
        self.own = -1
        theme.signals.changed.connect(self.update)

    def show_series(self, series: tuple[Series, ...], names: list[str], own: int = -1) -> None:
        """Show distributions over the same classes."""
        self.series, self.names, self.own = series, names, own
        self.update()

    def minimumSizeHint(self) -> QSize:
        """A few rows."""
        return QSize(150, 80)

    def rows(self) -> list[int]:
        """The classes that are shown, in their order."""
        if not self.series:
            return []
        size = len(self.series[0].values)
        fit = max(1, self.height() // self._row_height())
        if size <= fit:
            return list(range(size))
        largest = np.max([np.nan_to_num(s.values) for s in self.series], axis=0)
        if 0 <= self.own < size:
            largest[self.own] = np.inf
        return sorted(np.argsort(-largest, kind="stable")[:fit].tolist())

    def _row_height(self) -> int:
        return max(self.fontMetrics().height(), 5 * len(self.series) + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Name, bars, numbers of every row."""
        rows = self.rows()
        if not rows:
            return
        painter = QPainter(self)
        height = min(self.height() / len(rows), self._row_height() * 1.6)
        metrics = self.fontMetrics()
        left = min(84, max(metrics.horizontalAdvance(self.names[r]) + 2 for r in rows)) + 6
        right = (number_width(self.font()) + APART) * min(len(self.series), NUMBERS)
        full = self._full(rows)
        for i, row in enumerate(rows):
            box = QRectF(0, i * height, self.width(), height)
            self._paint_name(painter, box, left, row)
            lane = (height - 4) / len(self.series)
            for k, one in enumerate(self.series):
                room = QRectF(left, box.y() + 2 + k * lane, self.width() - left - right, max(lane - 1, 2))
                self._paint_bar(painter, room, float(one.values[row]), full, one.index)
            self._paint_number(painter, box, row)
        painter.end()

    def _full(self, rows: list[int]) -> float:
        """The value of a full bar: the largest beside the own class, for that one dwarfs the rest."""
        others = [r for r in rows if r != self.own] or rows
        largest = max((float(np.nan_to_num(s.values[others]).max()) for s in self.series), default=0.0)
        return largest or 1.0

    def _paint_name(self, painter: QPainter, box: QRectF, left: int, row: int) -> None:
        painter.setPen(theme.colour("text" if row == self.own else "muted"))
        words = self.fontMetrics().elidedText(self.names[row], Qt.TextElideMode.ElideRight, left - 6)
        side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, box.y(), left - 6, box.height()), side, words)

    def _paint_bar(self, painter: QPainter, room: QRectF, value: float, full: float, index: int) -> None:
        share = max(0.0, np.nan_to_num(value) / full)
        bar = QRectF(room)
        bar.setWidth(room.width() * min(1.0, share))
        painter.fillRect(bar, theme.series(index))
        if share > 1.0:  # cut: two gaps near the end say that the bar goes on
            for x in (0.90, 0.93):
                painter.fillRect(QRectF(room.x() + room.width() * x, room.y(), 3, room.height()), theme.colour("surface"))

    def _paint_number(self, painter: QPainter, box: QRectF, row: int) -> None:
        side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        wide = number_width(self.font()) + APART
        for k, one in enumerate(reversed(self.series[:NUMBERS])):
            painter.setPen(theme.series(one.index))
            value = float(one.values[row])
            painter.drawText(box.adjusted(0, 0, -k * wide, 0), side, figure(value, 4 if value >= 0.001 else None))
