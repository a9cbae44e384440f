"""What several nets say of images from files: a row an image, a column a net, a bar a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImageReader, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from kdstudio import theme
from kdstudio.charts.figures import tabular
from kdstudio.charts.pictures import Guess
from kdstudio.charts.shades import pale

SIDE = 64
"""Pixels a side of an image."""
GAP = 8
NETS = {"student": 0, "teacher": 1, "baseline": 2}
"""Who is asked -> the number of its colour."""
NAMED = 3


@dataclass
class Image:
    """One image and what was said of it: the guesses of each net by who it is, or why it cannot be read."""

    path: str
    pixmap: QPixmap
    guesses: dict[str, tuple[Guess, ...]] = field(default_factory=dict)
    problem: str = ""


def image_of(path: str) -> Image:
    """An image with the middle square of its file as a picture, empty where it cannot be read."""
    reader = QImageReader(path)
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid() and min(size.width(), size.height()) > 2 * SIDE:
        reader.setScaledSize(size.scaled(2 * SIDE, 2 * SIDE, Qt.AspectRatioMode.KeepAspectRatioByExpanding))
    found = QPixmap.fromImage(reader.read())
    side = min(found.width(), found.height())
    return Image(path, found.copy((found.width() - side) // 2, (found.height() - side) // 2, side, side))


class Answers(QWidget):
    """As high as its rows; to be scrolled."""

    def __init__(self) -> None:
        super().__init__()
        self.setFont(tabular(theme.TEXT - 2))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Answers")
        self.images: list[Image] = []
        self.nets: dict[str, str] = {}
        theme.signals.changed.connect(self.update)

    def show_images(self, images: Sequence[Image], nets: Mapping[str, str]) -> None:
        """Show these images with a column for each net, who it is and what it is called."""
        self.images, self.nets = list(images), dict(nets)
        self.setAccessibleDescription("; ".join(describe(image) for image in self.images))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """A row an image, under the names of the nets."""
        return QSize(240, self._head() + len(self.images) * (self._row() + GAP))

    def _head(self) -> int:
        return self.fontMetrics().height() + 4

    def _row(self) -> int:
        return max(SIDE, NAMED * (self.fontMetrics().height() + 3)) + self.fontMetrics().height()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Names of the nets, then row by row."""
        painter = QPainter(self)
        left = SIDE + GAP
        wide = (self.width() - left) // max(1, len(self.nets))
        for k, (who, name) in enumerate(self.nets.items()):
            painter.setPen(theme.series(NETS[who]))
            words = self.fontMetrics().elidedText(f"{who} · {name}", Qt.TextElideMode.ElideRight, wide - GAP)
            painter.drawText(QRect(left + k * wide, 0, wide - GAP, self._head()), Qt.AlignmentFlag.AlignVCenter, words)
        for i, image in enumerate(self.images):
            top = self._head() + i * (self._row() + GAP)
            self._paint_image(painter, image, top)
            for k, who in enumerate(self.nets):
                box = QRect(left + k * wide, top, wide - GAP, self._row())
                self._paint_guesses(painter, box, image.guesses.get(who, ()), NETS[who])
            if image.problem:
                flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
                painter.setPen(theme.colour("problem"))
                painter.drawText(QRect(left, top, self.width() - left, self._row()), int(flags), image.problem)
        painter.end()

    def _paint_image(self, painter: QPainter, image: Image, top: int) -> None:
        box = QRect(0, top, SIDE, SIDE)
        painter.fillRect(box, theme.colour("raised"))
        if not image.pixmap.isNull():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, image.pixmap.width() > SIDE)
            painter.drawPixmap(box, image.pixmap)
        painter.setPen(theme.colour("muted"))
        name = self.fontMetrics().elidedText(Path(image.path).name, Qt.TextElideMode.ElideMiddle, SIDE)
        painter.drawText(QRect(0, top + SIDE, SIDE, self.fontMetrics().height()), Qt.AlignmentFlag.AlignHCenter, name)

    def _paint_guesses(self, painter: QPainter, box: QRect, guesses: tuple[Guess, ...], index: int) -> None:
        height = self.fontMetrics().height() + 3
        for rank, (name, share) in enumerate(guesses[:NAMED]):
            line = QRectF(box.x(), box.y() + rank * height, box.width(), height - 1)
            bar = QRectF(line)
            bar.setWidth(max(1.0, line.width() * share))
            painter.fillRect(bar, pale(theme.series(index)))
            painter.setPen(theme.colour("text"))
            number = f"{100 * share:.1f} %"
            room = int(line.width()) - self.fontMetrics().horizontalAdvance(number) - 10
            words = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, max(0, room))
            painter.drawText(line.adjusted(4, 0, -4, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
            painter.drawText(line.adjusted(4, 0, -4, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number)


def describe(image: Image) -> str:
    """An image and its answers in a line."""
    said = [f"{who}: {guesses[0][0]} {100 * guesses[0][1]:.0f} %" for who, guesses in image.guesses.items() if guesses]
    return f"{Path(image.path).name}: " + (image.problem or ", ".join(said) or "not asked yet")
