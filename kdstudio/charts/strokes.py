"""Curves, their points, rings and levels, painted as one item: pyqtgraph's own items cost three times as much a redraw,
and what a redraw costs, the training loses."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from kdstudio.curve import Numbers, thinned

DOT = 3
RING = 4.5


@dataclass
class Stroke:
    """One curve as it is painted: thinned points (finite or gaps), colour, and what marks it."""

    x: Numbers
    y: Numbers
    colour: QColor
    dashed: bool = False
    dots: bool = False
    ring: tuple[float, float] | None = None
    path: QPainterPath = field(init=False)

    def __post_init__(self) -> None:
        self.x, self.y = thinned(self.x, self.y)
        self.path = pg.arrayToQPath(self.x, self.y, connect="finite", finiteCheck=False)

    def points(self) -> QPolygonF:
        """Where the dots are."""
        finite = np.isfinite(self.y)
        return QPolygonF([QPointF(a, b) for a, b in zip(self.x[finite].tolist(), self.y[finite].tolist(), strict=True)])


class Strokes(pg.GraphicsObject):  # type: ignore[misc]  # pyqtgraph has no types
    """All curves and horizontal levels of a canvas, by key, in the order of drawing."""

    def __init__(self) -> None:
        super().__init__()
        self.curves: dict[str, Stroke] = {}
        self.levels: dict[str, tuple[float, QColor]] = {}

    def show_all(self, curves: dict[str, Stroke], levels: dict[str, tuple[float, QColor]]) -> None:
        """Paint these and nothing else from now on."""
        self.curves, self.levels = curves, levels
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
        for value, colour in self.levels.values():
            painter.setPen(QPen(colour, 0, Qt.PenStyle.DashLine))
            painter.drawLine(QLineF(seen.left(), value, seen.right(), value))
        for curve in self.curves.values():
            painter.setPen(QPen(curve.colour, 0, Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine))
            painter.drawPath(curve.path)
        self._paint_marks(painter)

    def _paint_marks(self, painter: QPainter) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for curve in self.curves.values():
            if curve.dots:
                pen = QPen(curve.colour, DOT, Qt.PenStyle.SolidLine, Qt.PenCapStyle.SquareCap)
                pen.setCosmetic(True)
                painter.setPen(pen)
                painter.drawPoints(curve.points())
            if curve.ring is not None:
                across, up = self.pixelSize()
                painter.setPen(QPen(curve.colour, 0))
                painter.drawEllipse(QPointF(*curve.ring), RING * across, RING * up)
