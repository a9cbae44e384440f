"""Curves, their points, rings, levels and the marks of events, painted as one item: pyqtgraph's own items cost three times as
much a redraw, and what a redraw costs, the training loses."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPolygonF
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from kdstudio.charts.pens import cosmetic
from kdstudio.history.curve import POINTS, Numbers, thinned

DOT = 3
RING = 4.5
LIT = 2.0
"""Pixels of the pen of the curve that is pointed at."""
ALL = 60_000
LEAST = 100
"""Of all curves together about so many points are drawn, and of each at least so many."""


def points_of(curves: int) -> int:
    """About how many points are drawn of each of so many curves."""
    return max(LEAST, min(POINTS, ALL // max(1, curves)))


@dataclass
class Stroke:
    """One curve as it is painted: points thinned to about `points` (finite or gaps), colour, and what marks it."""

    x: Numbers
    y: Numbers
    colour: QColor
    dashed: bool = False
    dots: bool = False
    ring: tuple[float, float] | None = None
    points: int = POINTS
    path: QPainterPath = field(init=False)

    def __post_init__(self) -> None:
        self.x, self.y = thinned(self.x, self.y, self.points)
        self.path = pg.arrayToQPath(self.x, self.y, connect="finite", finiteCheck=False)

    @property
    def style(self) -> Qt.PenStyle:
        """How its line is drawn."""
        return Qt.PenStyle.DashLine if self.dashed else Qt.PenStyle.SolidLine

    def dots_at(self) -> QPolygonF:
        """Where the dots are."""
        finite = np.isfinite(self.y)
        return QPolygonF([QPointF(a, b) for a, b in zip(self.x[finite].tolist(), self.y[finite].tolist(), strict=True)])


class Strokes(pg.GraphicsObject):  # type: ignore[misc]  # pyqtgraph has no types
    """All curves, horizontal levels and marks of events of a canvas, by key, in the order of drawing. `lit` is the key of a
    curve that is drawn above the others and wider; empty for none."""

    def __init__(self) -> None:
        super().__init__()
        self.curves: dict[str, Stroke] = {}
        self.levels: dict[str, tuple[float, QColor]] = {}
        self.marks: list[tuple[float, QColor]] = []
        self.lit = ""

    def light(self, key: str) -> None:
        """Draw one curve above the others and wider; none for an empty key."""
        if key != self.lit:
            self.lit = key
            self.update()

    def show_all(
        self, curves: dict[str, Stroke], levels: dict[str, tuple[float, QColor]], marks: list[tuple[float, QColor]]
    ) -> None:
        """Paint these and nothing else from now on; a mark is a place on the x axis and its colour."""
        self.curves, self.levels, self.marks = curves, levels, marks
        self.update()

    def boundingRect(self) -> QRectF:
        """The whole of what is seen."""
        return QRectF(self.viewRect())

    def viewRangeChanged(self) -> None:
        """What is seen is another part now."""
        self.prepareGeometryChange()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Levels below, curves above, pens one pixel wide and without antialiasing."""
        seen = self.boundingRect()
        for place, colour in self.marks:
            painter.setPen(cosmetic(painter, colour, style=Qt.PenStyle.DotLine))
            painter.drawLine(QLineF(place, seen.top(), place, seen.bottom()))
        for value, colour in self.levels.values():
            painter.setPen(cosmetic(painter, colour, style=Qt.PenStyle.DashLine))
            painter.drawLine(QLineF(seen.left(), value, seen.right(), value))
        for curve in self.curves.values():
            painter.setPen(cosmetic(painter, curve.colour, style=curve.style))
            painter.drawPath(curve.path)
        lit = self.curves.get(self.lit)
        if lit is not None:
            painter.setPen(cosmetic(painter, lit.colour, LIT, lit.style))
            painter.drawPath(lit.path)
        self._paint_points(painter)

    def _paint_points(self, painter: QPainter) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for curve in self.curves.values():
            if curve.dots:
                painter.setPen(cosmetic(painter, curve.colour, DOT))
                painter.drawPoints(curve.dots_at())
            if curve.ring is not None:
                across, up = self.pixelSize()
                painter.setPen(cosmetic(painter, curve.colour))
                painter.drawEllipse(QPointF(*curve.ring), RING * across, RING * up)
