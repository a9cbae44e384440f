"""Shares between numbers as columns, with values to compare with as lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from kdstudio import theme
from kdstudio.charts.figures import round_step, tabular, tick

NAMED = 3
"""Of so many lines the names are written; more would hide one another."""


class Histogram(QWidget):
    """Columns over an axis of numbers: `values[i]` lies between `edges[i]` and `edges[i + 1]`."""

    def __init__(self) -> None:
        super().__init__()
        self.setFont(tabular(theme.TEXT - 2))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.values: NDArray[np.float64] = np.zeros(0)
        self.edges: NDArray[np.float64] = np.zeros(1)
        self.levels: tuple[tuple[str, float], ...] = ()
        theme.signals.changed.connect(self.update)

    def show_shares(
        self, values: NDArray[np.float64], edges: Sequence[float], levels: Sequence[tuple[str, float]] = ()
    ) -> None:
        """Show shares (N,) between edges (N + 1,), and lines at named values."""
        self.values, self.edges = np.nan_to_num(values), np.asarray(edges, dtype=np.float64)
        self.levels = tuple((str(name), float(value)) for name, value in levels)
        self.setAccessibleDescription(", ".join(f"line at {value:.3g}: {name}" for name, value in self.levels))
        self.update()

    def minimumSizeHint(self) -> QSize:
        """A few columns."""
        return QSize(150, 80)

    def span(self) -> tuple[float, float]:
        """The ends of the axis: the edges, or a line that lies outside of them."""
        ends = [float(self.edges[0]), float(self.edges[-1]), *(value for _, value in self.levels)]
        return min(ends), max(ends)

    def frame(self) -> QRectF:
        """Where the columns stand: below the names of the lines, above the numbers of the axis."""
        line = self.fontMetrics().height()
        names = line * len(self._named())
        return QRectF(6, names + 2, max(self.width() - 12, 1), max(self.height() - names - line - 6, 1))

    def across(self, value: float) -> float:
        """The place of a value on the axis, in pixels."""
        (low, high), frame = self.span(), self.frame()
        return frame.x() + (value - low) / ((high - low) or 1.0) * frame.width()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Columns, axis, lines."""
        if not len(self.values):
            return
        painter = QPainter(self)
        self._paint_columns(painter)
        self._paint_axis(painter)
        self._paint_levels(painter)
        painter.end()

    def _named(self) -> tuple[tuple[str, float], ...]:
        return self.levels if len(self.levels) <= NAMED else ()

    def _paint_columns(self, painter: QPainter) -> None:
        frame, highest = self.frame(), float(self.values.max()) or 1.0
        for value, low, high in zip(self.values, self.edges, self.edges[1:]):
            left, height = self.across(low), frame.height() * max(float(value), 0.0) / highest
            width = max(self.across(high) - left - 1, 1)
            painter.fillRect(QRectF(left, frame.bottom() - height, width, height), theme.series(0))

    def _paint_axis(self, painter: QPainter) -> None:
        frame, metrics = self.frame(), self.fontMetrics()
        painter.setPen(QPen(theme.colour("line")))
        painter.drawLine(QLineF(frame.bottomLeft(), frame.bottomRight()))
        painter.setPen(theme.colour("muted"))
        low, high = self.span()
        step = round_step(high - low)
        for k in range(int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9)) + 1):
            words = tick(k * step, step)
            wide = metrics.horizontalAdvance(words)
            x = min(max(self.across(k * step) - wide / 2, 0), self.width() - wide)
            room = QRectF(x, frame.bottom() + 3, wide + 1, metrics.height())
            painter.drawText(room, Qt.AlignmentFlag.AlignLeft, words)

    def _paint_levels(self, painter: QPainter) -> None:
        frame, height = self.frame(), self.fontMetrics().height()
        painter.setPen(QPen(theme.series(1), 1, Qt.PenStyle.DashLine))
        for row, (_, value) in enumerate(self.levels):
            top = height * (row + 1) if self._named() else frame.top()
            painter.drawLine(QLineF(self.across(value), top, self.across(value), frame.bottom()))
        painter.setPen(theme.series(1))
        for row, (name, value) in enumerate(self._named()):
            wide = self.fontMetrics().horizontalAdvance(name)
            x = min(max(self.across(value) - wide / 2, 0), max(self.width() - wide, 0))
            painter.drawText(QRectF(x, row * height, wide + 1, height), Qt.AlignmentFlag.AlignLeft, name)
