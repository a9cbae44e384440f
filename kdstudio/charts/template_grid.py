"""Images under maps of templates: which template each place chooses, one row of images for the student, one for the teacher."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from kdstudio import theme
from kdstudio.charts.figures import tabular
from kdstudio.charts.pictures import as_pixmap

COLOURED = 8
"""So many templates have a colour, those that most places choose; there are no more colours that anybody can tell apart."""
COVER, PALE = 170, 60
"""How much of an image templates cover, of 255: those with a colour, and the others."""
GAP = 6
LEAST = 56
"""Least side of an image in pixels; of more images than fit those at the end are left out."""


class TemplateGrid(QWidget):
    """Maps (R, N, H, W) of template numbers over N images. `picked(number)` is a click on a place; 0 where it was picked
    already."""

    picked = Signal(int)
    fitted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFont(tabular(theme.TEXT - 2))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Templates over images")
        self.maps: NDArray[np.int64] = np.zeros((0, 0, 1, 1), np.int64)
        self.rows: tuple[str, ...] = ()
        self.chosen = 0
        self._pixmaps: list[QPixmap] = []
        self._colours: dict[int, QColor] = {}
        theme.signals.changed.connect(self._choose_colours)

    def show_maps(self, maps: NDArray[np.int64], pictures: NDArray[np.uint8], rows: tuple[str, ...]) -> None:
        """Show maps over pictures (N, h, w, C), with the names of their rows."""
        self.maps, self.rows = maps, rows
        self._pixmaps = [as_pixmap(picture) for picture in pictures[: maps.shape[1]]]
        self._choose_colours()

    def choose(self, number: int) -> None:
        """Colour one template alone, wherever it is; 0: the most frequent ones again."""
        self.chosen = number
        self.update()

    def frequent(self) -> list[tuple[int, float]]:
        """The templates with a colour, and the share of all places that choose each."""
        found = Counter(self.maps.ravel().tolist()).most_common(COLOURED)
        return [(number, count / max(self.maps.size, 1)) for number, count in found]

    def colour(self, number: int) -> QColor | None:
        """The colour of a template; None where it has none now."""
        if self.chosen:
            return theme.colour("accent") if number == self.chosen else None
        return self._colours.get(number)

    def _choose_colours(self) -> None:
        self._colours = {number: theme.series(i) for i, (number, _) in enumerate(self.frequent())}
        self.update()

    def minimumSizeHint(self) -> QSize:
        """A few images."""
        return QSize(200, 120)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """There may be room for more."""
        super().resizeEvent(event)
        self.fitted.emit()

    def shown(self) -> int:
        """How many images there is room for."""
        columns, lines, _ = self._grid()
        return min(self.maps.shape[1], columns * lines)

    def _grid(self) -> tuple[int, int, int]:
        """Columns and lines of images, and their side: all images where they are not too small, else what fills the room."""
        deep, count = max(self.maps.shape[0], 1), max(self.maps.shape[1], 1)
        wide = self.width() - self._margin()
        choices = [(1, 1, LEAST)]
        for lines in range(1, count + 1):
            side = min(((self.height() + GAP) // lines - GAP) // deep, wide)
            least = min(side, (wide + GAP) // -(-count // lines) - GAP)  # narrower, but all of them
            choices += [((wide + GAP) // (each + GAP), lines, each) for each in (side, least) if each >= LEAST]
        whole = [c for c in choices if c[0] * c[1] >= count]
        return max(whole, key=lambda c: c[2]) if whole else max(choices, key=lambda c: c[0] * c[1] * c[2] ** 2)

    def _margin(self) -> int:
        return max((self.fontMetrics().horizontalAdvance(row) for row in self.rows), default=0) + GAP

    def _box(self, row: int, image: int) -> QRect:
        columns, _, side = self._grid()
        line, column = divmod(image, columns)
        top = line * (side * self.maps.shape[0] + GAP) + row * side
        return QRect(self._margin() + column * (side + GAP), top, side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Images, templates, the names of the rows."""
        painter = QPainter(self)
        painter.setPen(theme.colour("muted"))
        columns = self._grid()[0]
        for image in range(self.shown()):
            for row, name in enumerate(self.rows):
                box = self._box(row, image)
                if image % columns == 0:
                    words = QRect(0, box.y(), self._margin() - GAP, box.height())
                    painter.drawText(words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, name)
                self._paint_map(painter, QRectF(box).adjusted(1, 1, -1, -1), row, image)
        painter.end()

    def _paint_map(self, painter: QPainter, box: QRectF, row: int, image: int) -> None:
        if image < len(self._pixmaps):
            painter.drawPixmap(box, self._pixmaps[image], QRectF(self._pixmaps[image].rect()))
        numbers = self.maps[row, image]
        over = QImage(numbers.shape[1], numbers.shape[0], QImage.Format.Format_ARGB32)
        plain = QColor(theme.colour("surface"))
        plain.setAlpha(PALE)
        for (y, x), number in np.ndenumerate(numbers):
            colour = self.colour(int(number))
            if colour is None:
                over.setPixelColor(x, y, plain)
                continue
            covering = QColor(colour)
            covering.setAlpha(COVER)
            over.setPixelColor(x, y, covering)
        painter.drawImage(box, over, QRectF(over.rect()))

    def place_at(self, point: QPoint) -> tuple[int, int, int, int] | None:
        """Row, image, and the place of the map under a point; None beside all of them."""
        for image in range(self.shown()):
            for row in range(len(self.rows)):
                box = self._box(row, image)
                if box.contains(point):
                    height, width = self.maps.shape[2:]
                    y = min((point.y() - box.y()) * height // box.height(), height - 1)
                    return row, image, y, min((point.x() - box.x()) * width // box.width(), width - 1)
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the template of the place, or let go of it."""
        at = self.place_at(event.position().toPoint())
        if at is not None:
            number = int(self.maps[at])
            self.picked.emit(0 if number == self.chosen else number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right go through the most frequent templates, Escape lets go."""
        numbers = [number for number, _ in self.frequent()]
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()), 0)
        if step and numbers:
            first = -1 if step > 0 else 0
            at = numbers.index(self.chosen) if self.chosen in numbers else first
            self.picked.emit(numbers[(at + step) % len(numbers)])
        elif event.key() == Qt.Key.Key_Escape and self.chosen:
            self.picked.emit(0)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """A tooltip with the template of the place under the cursor, in every row."""
        if isinstance(event, QHelpEvent):
            at = self.place_at(event.pos())
            QToolTip.showText(event.globalPos(), "" if at is None else self.describe(*at[1:]), self)
            return True
        return super().event(event)

    def describe(self, image: int, y: int, x: int) -> str:
        """The template that each row has at a place, and how much of the image it takes."""
        lines = []
        for row, name in enumerate(self.rows):
            number = int(self.maps[row, image, y, x])
            share = float((self.maps[row, image] == number).mean())
            lines.append(f"{name}: template {number}, {100 * share:.0f} % of the image's places")
        return "\n".join(lines)
