"""Many long curves in one picture, thinned anew to what is seen whenever the range changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from kdstudio.charts.pens import cosmetic
from kdstudio.charts.ranges import Ranged

DOT = 3
DOTTED = 30
"""Up to this many points are shown as points, too."""
PER_PIXEL = 0.5
"""Stretches a pixel: each is drawn from its least to its greatest value."""
BAND = 40
"""Of 255, how much of its colour a band over seeds has."""


@dataclass(frozen=True)
class Trace:
    """One curve as it is painted; `below` and `above` bound a band around it."""

    curve: Ranged
    pen: QPen
    below: Ranged | None = None
    above: Ranged | None = None


class OverlayStrokes(pg.GraphicsObject):  # type: ignore[misc]  # pyqtgraph has no types
    """All curves of a canvas in the order of drawing; paths are made for the range that is seen and kept until it changes."""

    def __init__(self) -> None:
        super().__init__()
        self.traces: list[Trace] = []
        self._paths: list[tuple[Trace, QPainterPath, QPolygonF, QPolygonF]] = []
        self._stale = True

    def show_all(self, traces: list[Trace]) -> None:
        """Paint these and nothing else from now on."""
        self.traces, self._stale = traces, True
        self.update()

    def boundingRect(self) -> QRectF:
        """The whole of what is seen."""
        return QRectF(self.viewRect())

    def viewRangeChanged(self) -> None:
        """What is seen is another part now."""
        self._stale = True
        self.prepareGeometryChange()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Bands below, curves above, pens one pixel wide and without antialiasing."""
        if self._stale:
            self._paths = [self._made(trace) for trace in self.traces]
            self._stale = False
        painter.setPen(QPen(QColor(0, 0, 0, 0)))
        for trace, _, band, _ in self._paths:
            if not band.isEmpty():
                tint = QColor(trace.pen.color())
                tint.setAlpha(BAND)
                painter.setBrush(tint)
                painter.drawPolygon(band)
        painter.setBrush(QColor(0, 0, 0, 0))
        for trace, path, _, dots in self._paths:
            painter.setPen(cosmetic(painter, trace.pen.color(), trace.pen.widthF(), trace.pen.style()))
            painter.drawPath(path)
            if not dots.isEmpty():
                painter.setPen(cosmetic(painter, trace.pen.color(), DOT))
                painter.drawPoints(dots)

    def _made(self, trace: Trace) -> tuple[Trace, QPainterPath, QPolygonF, QPolygonF]:
        seen = self.viewRect()
        low, high = seen.left(), seen.right()
        stretches = max(50, int(self._pixels() * PER_PIXEL))
        x, y = trace.curve.seen(low, high, stretches)
        path = pg.arrayToQPath(x, y, connect="finite", finiteCheck=False)
        band = QPolygonF()
        if trace.below is not None and trace.above is not None:
            (x0, y0), (x1, y1) = trace.below.seen(low, high, stretches), trace.above.seen(low, high, stretches)
            edge = np.concatenate((x0, x1[::-1])), np.concatenate((y0, y1[::-1]))
            band = _polygon(*edge)
        dots = _polygon(x, y) if len(x) <= DOTTED and len(trace.curve.x) <= DOTTED else QPolygonF()
        return trace, path, band, dots

    def _pixels(self) -> float:
        """How wide the picture is."""
        across = self.pixelSize()[0]
        return float(self.viewRect().width() / across) if across else 500.0


def _polygon(x: np.ndarray, y: np.ndarray) -> QPolygonF:  # type: ignore[type-arg]
    finite = np.isfinite(y)
    return QPolygonF([QPointF(a, b) for a, b in zip(x[finite].tolist(), y[finite].tolist(), strict=True)])
