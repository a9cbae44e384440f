"""A matrix as a heat map: rows down, columns across, the value under the cursor, a scale that says its ends."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from kdstudio import theme
from kdstudio.charts.figures import apart, number_width, tabular
from kdstudio.charts.shades import difference, difference_table, heat, heat_table

Scale = Literal["off the diagonal", "whole range", "logarithmic", "around zero"]
SCALES: tuple[Scale, ...] = ("off the diagonal", "whole range", "logarithmic")

NAMED = 24
"""Up to this many rows carry their names."""
SMALLEST = 11
"""Least height in pixels of a row that carries its name."""
BAR = 10
GAP = 8


class HeatMap(QWidget):
    """One matrix. `hovered(row, column)` follows the cursor, (-1, -1) outside; `picked(row)` is a click."""

    hovered = Signal(int, int)
    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setMinimumSize(120, 90)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFont(tabular(theme.TEXT - 2))
        self.values: NDArray[np.float64] = np.zeros((0, 0))
        self.row_names: list[str] = []
        self.column_names: list[str] = []
        self.scale: Scale = "off the diagonal"
        self.row = 0
        self._ends = (0.0, 1.0)
        self._given: tuple[float, float] | None = None
        self.ruled = True  # the scale stands at the right; of several maps with the same ends one needs it
        self._image = QImage()
        self._at = (-1, -1)
        theme.signals.changed.connect(self._colour)

    def show_matrix(self, values: NDArray[np.float64], rows: list[str], columns: list[str]) -> None:
        """Show a matrix (R, C) with the names of its rows and columns (empty: numbers)."""
        self.values = values
        self.row_names = rows or [str(i) for i in range(values.shape[0])]
        self.column_names = columns or [str(i) for i in range(values.shape[1])]
        self._colour()

    def set_scale(self, scale: Scale) -> None:
        """What the colours stretch over."""
        self.scale = scale
        self._colour()

    def set_ends(self, low: float, high: float) -> None:
        """The values at which colours end, whatever the matrix holds: where several are to be compared."""
        self._given = (low, high)
        self._colour()

    def set_row(self, row: int) -> None:
        """Mark a row; -1 marks none."""
        self.row = row
        self.update()

    def _colour(self) -> None:
        if not self.values.size:
            return
        values = self._scaled()
        finite = np.isfinite(values)
        counted = finite & (np.eye(*values.shape) == 0) if self._without_diagonal() else finite
        low, high = (float(values[counted].min()), float(values[counted].max())) if counted.any() else (0.0, 1.0)
        low, high = self._given or (low, high)
        if self.scale == "around zero":
            high = max(abs(low), abs(high))
            low = -high
        self._ends = (low, high)
        nothing = 0.5 if self.scale == "around zero" else 0.0
        share = (values - low) / (high - low) if high > low else np.full_like(values, nothing)
        index = np.clip(np.where(finite, share, nothing) * 255, 0, 255).astype(np.uint8)
        table = difference_table() if self.scale == "around zero" else heat_table()
        pixels = np.ascontiguousarray(table[index])
        rows, columns = index.shape
        self._image = QImage(pixels.data, columns, rows, columns * 4, QImage.Format.Format_RGB32).copy()
        self.update()

    def _without_diagonal(self) -> bool:
        rows, columns = self.values.shape
        return self.scale == "off the diagonal" and rows == columns and rows > 1

    def _scaled(self) -> NDArray[np.float64]:
        if self.scale != "logarithmic":
            return self.values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.values > 0, np.log10(self.values), np.nan)

    def _end_words(self) -> tuple[str, str]:
        """What is written at the ends of the scale."""
        low, high = (10**v for v in self._ends) if self.scale == "logarithmic" else self._ends
        words = apart(low, high)
        return words[0], ("≥" if self._without_diagonal() and np.nanmax(self.values) > high else "") + words[1]

    def _frame(self) -> QRect:
        """Where the cells lie: as square as there is room for names at the left and the scale at the right."""
        rows, columns = self.values.shape
        left = self._names_width() + (4 if self._named() else 0)
        right = self.margin()
        bottom = self.fontMetrics().height() + 4 if self._named_below() else 2
        width, height = self.width() - left - right, self.height() - 2 - bottom
        cell = min(width / columns, height / rows) if rows and columns else 0
        if cell >= 1:
            cell = int(cell) if cell >= 3 else cell
            return QRect(left, 2, max(1, round(cell * columns)), max(1, round(cell * rows)))
        return QRect(left, 2, max(1, width), max(1, height))

    def margin(self) -> int:
        """Pixels right of the cells: for the scale, where it stands there."""
        return GAP + BAR + 4 + number_width(self.font()) if self.ruled else 2

    def _named(self) -> bool:
        rows = self.values.shape[0]
        return 0 < rows <= NAMED and self.height() / rows >= SMALLEST

    def _named_below(self) -> bool:
        return self._named() and all(len(n) <= 2 for n in self.column_names)

    def _names_width(self) -> int:
        if not self._named():
            return 0
        return min(90, max(self.fontMetrics().horizontalAdvance(n) for n in self.row_names))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Cells, the marked row, names, the scale."""
        if not self.values.size:
            return
        painter = QPainter(self)
        frame = self._frame()
        painter.drawImage(QRectF(frame), self._image, QRectF(self._image.rect()))
        painter.setPen(theme.colour("strong_line"))
        painter.drawRect(frame.adjusted(-1, -1, 0, 0))
        self._paint_marks(painter, frame)
        self._paint_names(painter, frame)
        if self.ruled:
            self._paint_scale(painter, frame)
        painter.end()

    def _paint_marks(self, painter: QPainter, frame: QRect) -> None:
        rows, columns = self.values.shape
        across, down = frame.width() / columns, frame.height() / rows
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour("accent"), 2))
        if 0 <= self.row < rows:
            painter.drawRect(QRectF(frame.x(), frame.y() + self.row * down, frame.width(), down).adjusted(-1, -1, 1, 1))
        row, column = self._at
        if row >= 0:
            painter.setPen(QPen(theme.colour("text"), 1))
            painter.drawRect(QRectF(frame.x() + column * across, frame.y() + row * down, across, down))

    def _paint_names(self, painter: QPainter, frame: QRect) -> None:
        if not self._named():
            return
        down, metrics = frame.height() / len(self.row_names), self.fontMetrics()
        width = self._names_width()
        for i, name in enumerate(self.row_names):
            painter.setPen(theme.colour("text" if i == self.row else "muted"))
            box = QRectF(frame.x() - width - 4, frame.y() + i * down, width, down)
            words = metrics.elidedText(name, Qt.TextElideMode.ElideRight, width)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
        if self._named_below():
            across = frame.width() / len(self.column_names)
            painter.setPen(theme.colour("muted"))
            for i, name in enumerate(self.column_names):
                box = QRectF(frame.x() + i * across, frame.bottom() + 3, across, metrics.height())
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)

    def _paint_scale(self, painter: QPainter, frame: QRect) -> None:
        bar = QRectF(frame.right() + GAP, frame.y(), BAR, frame.height())
        ramp = QLinearGradient(bar.bottomLeft(), bar.topLeft())
        for i in range(9):
            ramp.setColorAt(i / 8, (difference if self.scale == "around zero" else heat)(i / 8))
        painter.setPen(theme.colour("strong_line"))
        painter.setBrush(ramp)
        painter.drawRect(bar.adjusted(0, -1, 0, 0))
        painter.setPen(theme.colour("muted"))
        height = self.fontMetrics().height()
        painter.drawText(QPointF(bar.right() + 4, bar.y() + height * 0.75), self._end_words()[1])
        painter.drawText(QPointF(bar.right() + 4, bar.bottom() - 1), self._end_words()[0])

    def _cell(self, at: QPointF) -> tuple[int, int]:
        if not self.values.size:
            return -1, -1
        frame = self._frame()
        if not QRectF(frame).contains(at):
            return -1, -1
        rows, columns = self.values.shape
        row = int((at.y() - frame.y()) / frame.height() * rows)
        column = int((at.x() - frame.x()) / frame.width() * columns)
        return min(row, rows - 1), min(column, columns - 1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say which cell is under the cursor."""
        self._move(self._cell(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """None is."""
        self._move((-1, -1))

    def _move(self, cell: tuple[int, int]) -> None:
        if cell != self._at:
            self._at = cell
            self.hovered.emit(*cell)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the row."""
        row, _ = self._cell(event.position())
        if row >= 0:
            self.picked.emit(row)
