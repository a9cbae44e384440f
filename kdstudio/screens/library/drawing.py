"""A net drawn from its taps: each map a slab as high as its side and as deep as its channels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from engine import pairing
from kdstudio import theme

Shape = tuple[int, ...]

LEAST, MOST = 14, 104
"""Height of the smallest and the largest map, in pixels."""
THIN, DEEP = 8, 44
"""Width of a map of few and of many channels."""
SLANT = 0.28
"""How far a slab's far side is to the right and above, as a share of its height."""
WORDS = 40
"""Height of the words below."""


@dataclass(frozen=True)
class Slab:
    """A map as it is drawn: its name, its shape in words, its size in pixels, and how much of it is coloured."""

    name: str
    words: str
    width: float
    height: float
    strength: float


def in_words(shape: Shape) -> str:
    """`64 × 8 × 8`, or `64` for a vector."""
    return " × ".join(str(n) for n in shape)


def order(shapes: Mapping[str, Shape]) -> list[str]:
    """The taps that are drawn, from the images to the classifier: the stem, the stages, what is averaged, the vector."""
    parts = ((pairing.STEM,), pairing.stages(shapes), (pairing.LAST, pairing.PENULTIMATE))
    return [name for part in parts for name in part if name in shapes]


def slabs(shapes: Mapping[str, Shape], image: Shape, classes: int) -> list[Slab]:
    """What is drawn of a net: its images, its maps, its classes."""
    named = [("image", image), *((name, shapes[name]) for name in order(shapes)), ("classes", (classes,))]
    sides = [shape[-1] for _, shape in named if len(shape) == 3]
    widest = max(shape[0] for name, shape in named if name not in ("image", "classes"))
    return [_slab(name, shape, max(sides), widest) for name, shape in named]


def _slab(name: str, shape: Shape, largest: int, widest: int) -> Slab:
    side = shape[-1] if len(shape) == 3 else 1
    high = LEAST + (MOST - LEAST) * math.sqrt(side / largest) if side > 1 else LEAST + 10
    share = math.log2(shape[0] + 1) / math.log2(widest + 1)
    depth = THIN if name in ("image", "classes") else THIN + (DEEP - THIN) * min(1.0, share)
    if len(shape) == 1:
        high, depth = LEAST + (MOST - LEAST) * 0.6 * min(1.0, share), THIN - 1
    return Slab(name, in_words(shape), depth, high, 0.0 if name == "image" else 0.25 + 0.6 * min(1.0, share))


class NetDrawing(QWidget):
    """The slabs in a row, evenly spread over the room there is; what stands below is told in full under the cursor."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self.slabs: list[Slab] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(round(MOST * (1 + SLANT)) + WORDS + theme.GAP)
        theme.signals.changed.connect(self.update)

    def show_net(self, shapes: Mapping[str, Shape], image: Shape, classes: int) -> None:
        """Draw a net for these images and so many classes."""
        self.slabs = slabs(shapes, image, classes)
        said = ", ".join(f"{slab.name} {slab.words}" for slab in self.slabs)
        self.setAccessibleName(f"Drawing of {self._title}")
        self.setAccessibleDescription(said)
        self.update()

    def minimumSizeHint(self) -> QSize:
        """Room for the slabs without room between them."""
        return QSize(theme.SIDE, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The slabs, arrows between them, words below."""
        if not self.slabs:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.label_font())
        places = self.places()
        for before, after in itertools.pairwise(places):
            self._arrow(painter, before, after)
        for slab, place in zip(self.slabs, places):
            _paint_slab(painter, slab, place)
            self._paint_words(painter, slab, place)
        painter.end()

    def places(self) -> list[QRectF]:
        """The front of each slab."""
        room = self.width() / len(self.slabs)
        widest = max(slab.width + slab.height * SLANT for slab in self.slabs)
        scale = min(1.0, (room - theme.SPACE) / widest)
        middle = theme.SPACE + MOST * (1 + SLANT) / 2 + MOST * SLANT / 4
        made = []
        for n, slab in enumerate(self.slabs):
            width, height = slab.width * scale, slab.height * scale
            made.append(QRectF(room * (n + 0.5) - width / 2, middle - height / 2, width, height))
        return made

    def _arrow(self, painter: QPainter, before: QRectF, after: QRectF) -> None:
        start = before.right() + before.height() * SLANT + 3
        end = after.left() - 4
        if end - start < theme.SPACE:
            return
        y = before.center().y()
        painter.setPen(QPen(theme.colour("strong_line"), 1.2))
        painter.drawLine(QPointF(start, y), QPointF(end, y))
        painter.drawLine(QPointF(end - 4, y - 3), QPointF(end, y))
        painter.drawLine(QPointF(end - 4, y + 3), QPointF(end, y))

    def _paint_words(self, painter: QPainter, slab: Slab, place: QRectF) -> None:
        room = self.width() / len(self.slabs)
        metrics, top = painter.fontMetrics(), self.height() - WORDS
        for line, (words, tone) in enumerate(((slab.name, "text"), (slab.words, "muted"))):
            fits = metrics.horizontalAdvance(words) <= room - 4
            shown = metrics.elidedText(words if fits else words.replace(" ", ""), Qt.TextElideMode.ElideRight, round(room))
            painter.setPen(theme.colour(tone))
            box = QRectF(place.center().x() - room / 2, top + line * metrics.height(), room, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, shown)

    def event(self, event: QEvent) -> bool:
        """The whole words of the slab under the cursor."""
        if isinstance(event, QHelpEvent) and self.slabs:
            at = min(len(self.slabs) - 1, int(event.pos().x() / (self.width() / len(self.slabs))))
            QToolTip.showText(event.globalPos(), f"{self.slabs[at].name}: {self.slabs[at].words}", self)
            return True
        return super().event(event)


def _paint_slab(painter: QPainter, slab: Slab, front: QRectF) -> None:
    """A front, and its top and right side behind it."""
    away = QPointF(front.height() * SLANT, -front.height() * SLANT)
    if slab.name == "image" or front.width() < THIN:
        away = QPointF(front.width() * SLANT, -front.width() * SLANT)
    top = QPolygonF([front.topLeft(), front.topLeft() + away, front.topRight() + away, front.topRight()])
    side = QPolygonF([front.topRight(), front.topRight() + away, front.bottomRight() + away, front.bottomRight()])
    painter.setPen(QPen(theme.colour("accent" if slab.strength else "faint"), 1))
    for shape, light in ((top, 0.55), (side, 1.0)):
        painter.setBrush(_mixed(slab.strength * light))
        painter.drawPolygon(shape)
    painter.setBrush(_mixed(slab.strength * 0.8))
    painter.drawRect(front)


def _mixed(share: float) -> QColor:
    """Between the ground and the accent."""
    ground, accent = theme.colour("surface"), theme.colour("accent")
    each = ((ground.red(), accent.red()), (ground.green(), accent.green()), (ground.blue(), accent.blue()))
    return QColor(*(round(low + (high - low) * share * 0.75) for low, high in each))
