"""One image under a grid of places: a value for each in colours over it, the chosen place marked, others pointed at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from kdstudio import theme
from kdstudio.charts.pictures import as_pixmap
from kdstudio.charts.shades import difference_table, heat_table

COVER = 150
"""How little of the image is seen through the colours, of 255."""
STEPS = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}
"""Keys that choose the next place: rows down, columns across."""


class Placed(QWidget):
    """An image and what is known of its places, counted row by row. `picked(place)` is a click."""

    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(80, 80)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Image with the chosen place")
        self._pixmap = QPixmap()
        self._over = QImage()
        self._side, self._place = 1, 0
        self._pointed: tuple[int, ...] = ()
        self._last: tuple[NDArray[np.float64], int, bool] | None = None
        theme.signals.changed.connect(self._colour)

    def sizeHint(self) -> QSize:
        """A small square."""
        return QSize(160, 160)

    def show_picture(self, picture: NDArray[np.uint8] | None, side: int) -> None:
        """Show an image (H, W, C), or only its places where it is not known, with `side` places a side."""
        self._pixmap = QPixmap() if picture is None else as_pixmap(picture)
        self._side = side
        self.update()

    def paint_over(self, values: NDArray[np.float64], place: int, *, around_zero: bool) -> None:
        """Colours over every place (side²,), and a mark around one."""
        self._last, self._place = (values, place, around_zero), place
        self._colour()

    def point_at(self, places: Sequence[int]) -> None:
        """Outline places while a cursor is on them elsewhere."""
        self._pointed = tuple(places)
        self.update()

    def _colour(self) -> None:
        if self._last is None:
            return
        values, _, around_zero = self._last
        if around_zero:
            most = max(float(np.abs(values).max()), 1e-12)
            share, table = (values + most) / (2 * most), difference_table()
        else:
            low, high = float(values.min()), float(values.max())
            share, table = (values - low) / max(high - low, 1e-12), heat_table()
        pixels = table[np.clip(share * 255, 0, 255).astype(np.uint8)].reshape(self._side, self._side, 4).copy()
        pixels[..., 3] = COVER
        self._over = QImage(pixels.data, self._side, self._side, self._side * 4, QImage.Format.Format_ARGB32).copy()
        self.update()

    def frame(self) -> QRectF:
        """The largest square there is room for."""
        side = max(1, min(self.width(), self.height()) - 2)
        return QRectF((self.width() - side) / 2, 1, side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Image, colours, marks."""
        painter, frame = QPainter(self), self.frame()
        if self._pixmap.isNull():
            painter.fillRect(frame, theme.colour("raised"))
        else:
            painter.drawPixmap(frame, self._pixmap, QRectF(self._pixmap.rect()))
        if not self._over.isNull():
            painter.drawImage(frame, self._over, QRectF(self._over.rect()))
        for place in self._pointed:
            self._outline(painter, frame, place, theme.colour("text"), 1)
        self._outline(painter, frame, self._place, theme.colour("accent"), 3 if self.hasFocus() else 2)
        painter.end()

    def _outline(self, painter: QPainter, frame: QRectF, place: int, colour: QColor, width: int) -> None:
        each = frame.width() / self._side
        row, column = divmod(place, self._side)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, width))
        painter.drawRect(QRectF(frame.x() + column * each, frame.y() + row * each, each, each))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go to the next place."""
        down, across = STEPS.get(Qt.Key(event.key()), (0, 0))
        row, column = self._place // self._side + down, self._place % self._side + across
        if not (down or across):
            super().keyPressEvent(event)
        elif 0 <= row < self._side and 0 <= column < self._side:
            self.picked.emit(row * self._side + column)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the place."""
        place = self._at(event.position())
        if place >= 0:
            self.picked.emit(place)

    def _at(self, point: QPointF) -> int:
        frame = self.frame()
        if not frame.contains(point):
            return -1
        row = min(int((point.y() - frame.y()) / frame.height() * self._side), self._side - 1)
        column = min(int((point.x() - frame.x()) / frame.width() * self._side), self._side - 1)
        return row * self._side + column
