"""The gallery: images with what belongs to each - its label, the teacher's and the student's top classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QImage, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from kdstudio import theme
from kdstudio.charts.figures import tabular

Guess = tuple[str, float]
"""A class and its probability."""

GAP = 6
SMALLEST = 34
"""Least side of a picture in pixels."""
LEAST = 76
"""However long the names are, tiles need not be wider than this."""
MARK = 5
"""Side of the square that says who named a class."""
WHO = {"student": 0, "teacher": 1}
"""Who names classes -> the number of the colour that stands for them everywhere."""


@dataclass(frozen=True)
class Tile:
    """One column of the gallery: one or more pictures (H, W, C uint8) over each other, and words about them."""

    pictures: tuple[NDArray[np.uint8], ...]
    label: str = ""
    guesses: dict[str, tuple[Guess, ...]] = field(default_factory=dict)


class Gallery(QWidget):
    """Tiles in a grid, as large as fits. `rows` names the pictures of a tile (input, output)."""

    fitted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFont(tabular(theme.TEXT - 2))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.tiles: tuple[Tile, ...] = ()
        self.rows: list[str] = []
        self.ranks = 1
        self._pixmaps: list[list[QPixmap]] = []
        theme.signals.changed.connect(self.update)

    def show_tiles(self, tiles: Sequence[Tile], rows: Sequence[str] = ()) -> None:
        """Show these pictures."""
        self.tiles, self.rows = tuple(tiles), [str(r) for r in rows]
        self._pixmaps = [[as_pixmap(p) for p in tile.pictures] for tile in self.tiles]
        self.update()

    def set_ranks(self, ranks: int) -> None:
        """Under each picture as many classes are written as each net named, at most `ranks`."""
        self.ranks = ranks
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """There may be room for more."""
        super().resizeEvent(event)
        self.fitted.emit()

    def minimumSizeHint(self) -> QSize:
        """A few pictures."""
        return QSize(150, 100)

    def _lines(self) -> int:
        tile = self.tiles[0]
        return (1 if tile.label else 0) + self.ranks * len(tile.guesses)

    def _margin(self) -> int:
        if len(self.rows) < 2:
            return 0
        return max(self.fontMetrics().horizontalAdvance(r) for r in self.rows) + GAP

    def _grid(self) -> tuple[int, int, int, int]:
        """Columns, rows, width of a tile, side of a picture: the columns that make the pictures largest, with room for the
        words. Pictures that would be smaller than `SMALLEST` are left out instead: shown large, the card has them all."""
        count = len(self.tiles)
        wide = self.width() - self._margin()
        most = min(count, max(1, (wide + GAP) // (self._least() + GAP)))
        choices = [self._fit(columns, wide) for columns in range(1, most + 1)]
        full = [c for c in choices if c[0] * c[1] >= count and c[3] >= SMALLEST]
        return max(full, key=lambda c: c[3]) if full else max(choices, key=lambda c: c[0] * c[1])

    def _fit(self, columns: int, wide: int) -> tuple[int, int, int, int]:
        deep = len(self.tiles[0].pictures)
        words = self._lines() * self.fontMetrics().height()
        width = (wide + GAP) // columns - GAP
        possible = max(1, (self.height() + GAP) // (SMALLEST * deep + words + GAP))
        rows = min(math.ceil(len(self.tiles) / columns), possible)
        return columns, rows, width, max(8, min(width, ((self.height() + GAP) // rows - GAP - words) // deep))

    def shown(self) -> int:
        """How many tiles there is room for."""
        columns, rows, *_ = self._grid() if self.tiles else (0, 0)
        return min(len(self.tiles), columns * rows)

    def _least(self) -> int:
        """The least width of a tile: that of its label, within reason, and of a picture."""
        label = max(self.fontMetrics().horizontalAdvance(t.label) for t in self.tiles) + MARK + 3
        return LEAST if self.ranks > 1 else max(SMALLEST, min(LEAST, label))

    def _place(self, i: int, grid: tuple[int, int, int, int]) -> QRect:
        columns, _, width, side = grid
        row, column = divmod(i, columns)
        height = side * len(self.tiles[0].pictures) + self._lines() * self.fontMetrics().height() + GAP
        return QRect(self._margin() + column * (width + GAP), row * height, width, height - GAP)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Pictures and words."""
        if not self.tiles:
            return
        painter, grid = QPainter(self), self._grid()
        side = grid[3]
        for i, tile in enumerate(self.tiles[: grid[0] * grid[1]]):
            place = self._place(i, grid)
            for k, pixmap in enumerate(self._pixmaps[i]):
                box = QRectF(place.x() + (place.width() - side) / 2, place.y() + k * side, side, side)
                painter.drawPixmap(box, pixmap, QRectF(pixmap.rect()))
            self._paint_words(painter, tile, place, place.y() + side * len(tile.pictures))
        if len(self.rows) > 1:
            self._paint_rows(painter, grid)
        painter.end()

    def _paint_rows(self, painter: QPainter, grid: tuple[int, int, int, int]) -> None:
        painter.setPen(theme.colour("muted"))
        columns, rows, _, side = grid
        for i in range(0, min(len(self.tiles), columns * rows), columns):
            for k, name in enumerate(self.rows):
                box = QRectF(0, self._place(i, grid).y() + k * side, self._margin() - GAP, side)
                painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, name)

    def _paint_words(self, painter: QPainter, tile: Tile, place: QRect, top: int) -> None:
        metrics, y = self.fontMetrics(), top
        if tile.label:
            self._paint_line(painter, QRect(place.x(), y, place.width(), metrics.height()), -1, tile.label, "text")
            y += metrics.height()
        for who, guesses in tile.guesses.items():
            for rank in range(self.ranks):
                box = QRect(place.x(), y, place.width(), metrics.height())
                self._paint_guess(painter, box, who, guesses[rank : rank + 1], tile.label if rank == 0 else "")
                y += metrics.height()

    def _paint_guess(self, painter: QPainter, box: QRect, who: str, guess: tuple[Guess, ...], label: str) -> None:
        """A class that was named with its probability, as far as there is room for both."""
        right = bool(guess) and guess[0][0] == label
        tone = "muted" if not label else "good" if right else "problem"
        words = f"{guess[0][0]} {100 * guess[0][1]:.0f} %" if guess else "–"
        if guess and self.fontMetrics().horizontalAdvance(words) + MARK + 3 > box.width():
            words = guess[0][0]
        self._paint_line(painter, box, WHO.get(who, -1), words, tone)

    def _paint_line(self, painter: QPainter, box: QRect, who: int, words: str, tone: str) -> None:
        """Words in the middle of a box, after a square in the colour of who said them (-1: nobody)."""
        metrics, mark = self.fontMetrics(), MARK + 3 if who >= 0 else 0
        text = metrics.elidedText(words, Qt.TextElideMode.ElideRight, box.width() - mark)
        x = box.x() + max(0, (box.width() - mark - metrics.horizontalAdvance(text)) // 2)
        if mark:
            painter.fillRect(x, box.center().y() - MARK // 2 + 1, MARK, MARK, theme.series(who))
        painter.setPen(theme.colour(tone))
        painter.drawText(box.adjusted(x + mark - box.x(), 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)

    def _at(self, point: QPoint) -> int:
        grid = self._grid()
        return next((i for i in range(self.shown()) if self._place(i, grid).contains(point)), -1)

    def event(self, event: QEvent) -> bool:
        """A tooltip with every class that was named for the picture under the cursor."""
        if isinstance(event, QHelpEvent) and self.tiles:
            i = self._at(event.pos())
            QToolTip.showText(event.globalPos(), describe(self.tiles[i]) if i >= 0 else "", self)
            return True
        return super().event(event)


def describe(tile: Tile) -> str:
    """All that is known of a picture, in lines."""
    lines = [f"label: {tile.label}"] if tile.label else []
    for who, guesses in tile.guesses.items():
        lines.append(f"{who}: " + ", ".join(f"{name} {100 * p:.1f} %" for name, p in guesses))
    return "\n".join(lines)


def as_pixmap(picture: NDArray[np.uint8]) -> QPixmap:
    """A picture (H, W, 1 or 3) as it is, one pixel a pixel."""
    colours = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture
    kept = np.ascontiguousarray(colours)
    height, width, _ = kept.shape
    return QPixmap.fromImage(QImage(kept.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy())
