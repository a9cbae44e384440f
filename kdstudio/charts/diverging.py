"""Values of named things as bars to both sides of zero, the largest first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from kdstudio import theme
from kdstudio.charts.figures import figure, number_width, tabular
from kdstudio.charts.shades import difference

NAMES = 90
"""Most pixels of the names."""
GAP = 6


class Diverging(QWidget):
    """One bar a name. Where they are too many, the furthest from zero are kept (of unsigned values the smallest, for they want
    attention); `fitted` says that others may be shown now."""

    fitted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFont(tabular(theme.TEXT - 2))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Classes as bars")
        self.values: NDArray[np.float64] = np.zeros(0)
        self.names: list[str] = []
        self.signed = False
        theme.signals.changed.connect(self.update)

    def show_values(self, values: NDArray[np.float64], names: Sequence[str], *, signed: bool = False) -> None:
        """Show values (N,), NaN where there are none; `signed`: they are gains and losses."""
        self.values, self.signed = values, signed
        self.names = list(names) if len(names) == len(values) else [str(i) for i in range(len(values))]
        self.update()

    def minimumSizeHint(self) -> QSize:
        """A few rows."""
        return QSize(150, 80)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """There may be room for more."""
        super().resizeEvent(event)
        self.fitted.emit()

    def rows(self) -> list[int]:
        """What is shown, from the largest value to the smallest."""
        known = [int(i) for i in np.flatnonzero(np.isfinite(self.values))]
        fit = max(1, self.height() // (self.fontMetrics().height() + 1))
        kept = sorted(known, key=lambda i: -abs(self.values[i]) if self.signed else self.values[i])[:fit]
        return sorted(kept, key=lambda i: (-self.values[i], i))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Name, bar and number of every row, and the line of zero."""
        rows = self.rows()
        if not rows:
            return
        painter, metrics = QPainter(self), self.fontMetrics()
        left = min(NAMES, max(metrics.horizontalAdvance(self.names[r]) for r in rows)) + GAP
        room = QRectF(left, 0, max(self.width() - left - number_width(self.font()), 1), self.height())
        low, high = min(0.0, float(self.values[rows].min())), max(0.0, float(self.values[rows].max()))
        scale = room.width() / ((high - low) or 1.0)
        zero = room.x() - low * scale
        height = min(self.height() / len(rows), 1.6 * metrics.height())
        for k, row in enumerate(rows):
            self._paint_row(painter, QRectF(0, k * height, self.width(), height), row, left, zero, scale)
        painter.setPen(QPen(theme.colour("strong_line")))
        painter.drawLine(QLineF(zero, 0, zero, len(rows) * height))
        painter.end()

    def _paint_row(self, painter: QPainter, box: QRectF, row: int, left: float, zero: float, scale: float) -> None:
        value = float(self.values[row])
        painter.setPen(theme.colour("muted"))
        words = self.fontMetrics().elidedText(self.names[row], Qt.TextElideMode.ElideRight, int(left) - GAP)
        side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, box.y(), left - GAP, box.height()), side, words)
        colour = difference(0.83 if value >= 0 else 0.17) if self.signed else theme.series(0)
        bar = QRectF(min(zero, zero + value * scale), box.y() + 2, abs(value) * scale, max(box.height() - 4, 2))
        painter.fillRect(bar, colour)
        painter.setPen(theme.colour("text"))
        painter.drawText(box, side, ("+" if self.signed and value > 0 else "") + figure(value, 1))
