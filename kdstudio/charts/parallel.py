"""Parallel coordinates: a line a run across an upright axis for every setting that was varied and one for what came out.

A drag along an axis keeps the lines that cross it there; a click on the axis lets all through again.
"""

from __future__ import annotations

import math
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from engine.comparison.importance import Axis
from kdstudio import theme
from kdstudio.charts.card import Card, Rows
from kdstudio.charts.figures import tabular
from kdstudio.widgets import run_colours

TOP, FOOT, SIDE = 42, 14, 64
NEAR = 6.0
"""Pixels from a line at which it is meant."""
BRUSH = 12
"""Pixels of an axis's brush."""


class Parallel(QWidget):
    """The picture of `axes`; `numbers` and `labels` are those of the runs."""

    def __init__(self) -> None:
        super().__init__()
        self.setFont(tabular(theme.TEXT - 2))
        self.setMouseTracking(True)
        self.setMinimumSize(QSize(240, 140))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.axes: list[Axis] = []
        self.numbers: list[int] = []
        self.labels: list[str] = []
        self.brushes: dict[str, tuple[float, float]] = {}
        self._meant = -1
        self._from: tuple[int, float] | None = None
        theme.signals.changed.connect(self.update)

    def show_runs(self, axes: list[Axis], numbers: list[int], labels: list[str]) -> None:
        """Show runs; brushes of axes that stay are kept."""
        self.axes, self.numbers, self.labels = axes, numbers, labels
        self.brushes = {path: span for path, span in self.brushes.items() if any(a.path == path for a in axes)}
        self._meant = -1
        self.update()

    def kept(self, run: int) -> bool:
        """Whether a run crosses every brushed axis within its brush."""
        spans = [(axis.places[run], self.brushes[axis.path]) for axis in self.axes if axis.path in self.brushes]
        return all(low <= place <= high for place, (low, high) in spans)

    def across(self, axis: int) -> float:
        """Where an axis stands."""
        return SIDE + axis * (self.width() - 2 * SIDE) / max(1, len(self.axes) - 1)

    def down(self, place: float) -> float:
        """How far down a place from 0 to 1 is."""
        return self.height() - FOOT - place * (self.height() - TOP - FOOT)

    def _line(self, run: int) -> list[QPointF]:
        places = [axis.places[run] for axis in self.axes]
        return (
            [] if any(math.isnan(p) for p in places) else [QPointF(self.across(n), self.down(p)) for n, p in enumerate(places)]
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Faint lines below, kept ones above, the one that is meant thick, then the axes with their words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        order = sorted(range(len(self.labels)), key=lambda run: (self.kept(run), run == self._meant))
        for run in order:
            pen = run_colours.pen(self.numbers[run], 3 if run == self._meant else 1.5)
            if not self.kept(run):
                pen = QPen(theme.colour("line"), 1)
            painter.setPen(pen)
            painter.drawPolyline(self._line(run))
        for n, axis in enumerate(self.axes):
            self._paint_axis(painter, n, axis)
        painter.end()

    def _paint_axis(self, painter: QPainter, n: int, axis: Axis) -> None:
        x, metrics = self.across(n), self.fontMetrics()
        painter.setPen(QPen(theme.colour("strong_line"), 1))
        painter.drawLine(QPointF(x, self.down(0)), QPointF(x, self.down(1)))
        if axis.path in self.brushes:
            low, high = self.brushes[axis.path]
            tint = theme.colour("accent")
            tint.setAlpha(70)
            painter.fillRect(QRectF(x - BRUSH / 2, self.down(high), BRUSH, max(2.0, self.down(low) - self.down(high))), tint)
        room = max(40, int((self.width() - 2 * SIDE) / max(1, len(self.axes) - 1)) - 8)
        painter.setPen(theme.colour("text"))
        name = metrics.elidedText(axis.label, Qt.TextElideMode.ElideRight, room)
        middle = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(x - room / 2, 0, room, TOP - 22), middle, name)
        last = n == len(self.axes) - 1
        for place, words in axis.ticks:
            said = metrics.elidedText(words, Qt.TextElideMode.ElideRight, SIDE - 8 if last else room - 12)
            box = QRectF(x + 5, self.down(place) - 17, metrics.horizontalAdvance(said) + 2, 16)
            ground = theme.colour("surface")
            ground.setAlpha(200)
            painter.fillRect(box, ground)
            painter.setPen(theme.colour("muted"))
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, said)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a brush on the nearest axis."""
        near = [(abs(self.across(n) - event.position().x()), n) for n in range(len(self.axes))]
        if near and min(near)[0] <= 2 * BRUSH:
            self._from = (min(near)[1], self._place(event.position().y()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw the brush on, or say which line is meant."""
        if self._from is not None:
            n, start = self._from
            self.brushes[self.axes[n].path] = (
                min(start, self._place(event.position().y())),
                max(start, self._place(event.position().y())),
            )
            self.update()
            return
        meant = self._under(event.position())
        if meant != self._meant:
            self._meant = meant
            self.update()
        if meant >= 0:
            QToolTip.showText(event.globalPosition().toPoint(), self.labels[meant], self)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the brush; one without length lets all through again."""
        if self._from is None:
            return
        n, start = self._from
        if abs(start - self._place(event.position().y())) < 0.01:
            self.brushes.pop(self.axes[n].path, None)
        self._from = None
        self.update()

    def _place(self, y: float) -> float:
        return min(1.0, max(0.0, (self.height() - FOOT - y) / (self.height() - TOP - FOOT)))

    def _under(self, at: QPointF) -> int:
        """The kept run whose line is nearest to a point; -1 where none is near."""
        found = [(_distance(self._line(run), at), run) for run in range(len(self.labels)) if self.kept(run)]
        return min(found)[1] if found and min(found)[0] <= NEAR else -1


def _distance(line: list[QPointF], at: QPointF) -> float:
    """How far above or below a line a point lies."""
    for a, b in pairwise(line):
        if a.x() <= at.x() <= b.x() and b.x() > a.x():
            return abs(a.y() + (at.x() - a.x()) / (b.x() - a.x()) * (b.y() - a.y()) - at.y())
    return math.inf


class ParallelCard(Card):
    """Parallel coordinates as a card."""

    def __init__(self) -> None:
        super().__init__("Parallel coordinates", "", "Drag along an axis to keep the runs that cross it there; click to let go")
        self.key, self.span = "parallel", 2
        self.picture = Parallel()
        self.body.addWidget(self.picture)

    def redraw(self) -> None:
        """Nothing but paint: the runs are given."""
        self.picture.update()

    def table(self) -> Rows:
        """Where every run crosses every axis, from 0 to 1."""
        yield ("run", *(axis.label for axis in self.picture.axes))
        for run, label in enumerate(self.picture.labels):
            yield (label, *(axis.places[run] for axis in self.picture.axes))
