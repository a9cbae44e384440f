"""What is gained over what is paid: a dot for each experiment, the Pareto front joined."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QToolButton, QToolTip, QWidget

from engine.comparison.front import Point
from engine.comparison.metrics import Metric
from kdstudio import theme
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.figures import round_step, tabular, tick
from kdstudio.widgets import run_colours

LEFT, RIGHT, TOP, BOTTOM = 52, 16, 10, 36
DOT = 5.0
NEAR = 12
"""Pixels from a dot at which it is meant."""
MISSING = "Two finished experiments that say this are needed."
FAR = 20.0
"""Costs this many times apart stand on a logarithmic axis unless a person says otherwise."""


class Scatter(QWidget):
    """The picture. `picked` carries the place of a contender that was clicked."""

    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setFont(tabular(theme.TEXT - 2))
        self.setMouseTracking(True)
        self.setMinimumSize(QSize(160, 120))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.points: list[Point] = []
        self._number: Callable[[int], int] = lambda index: index
        self._cost: Metric | None = None
        self._gain: Metric | None = None
        self.log = False
        theme.signals.changed.connect(self.update)

    def show_points(self, points: list[Point], number: Callable[[int], int], cost: Metric, gain: Metric) -> None:
        """Show contenders; `number` gives the number of a contender's colour."""
        self.points, self._number, self._cost, self._gain = points, number, cost, gain
        self.update()

    def set_log(self, log: bool) -> None:
        """Whether the costs stand on a logarithmic axis."""
        self.log = log and all(p.cost > 0 for p in self.points)
        self.update()

    def at(self, point: Point) -> QPointF:
        """Where a point is drawn."""
        x, y = self._ends()
        box = self._box()
        across = (self._across(point.cost) - x[0]) / (x[1] - x[0])
        up = (point.gain - y[0]) / (y[1] - y[0])
        return QPointF(box.left() + across * box.width(), box.bottom() - up * box.height())

    def _across(self, cost: float) -> float:
        scale = self._cost.scale if self._cost else 1.0
        return math.log10(cost / scale) if self.log else cost / scale

    def _box(self) -> QRectF:
        return QRectF(LEFT, TOP, self.width() - LEFT - RIGHT, self.height() - TOP - BOTTOM)

    def _ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        costs = [self._across(p.cost) for p in self.points]
        gains = [p.gain + sign * (p.deviation or 0.0) for p in self.points for sign in (-1, 1)]
        return _padded(costs), _padded(gains)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, the front, the dots with their deviations."""
        if not self.points:
            return
        painter = QPainter(self)
        self._paint_axes(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        best = sorted((self.at(p) for p in self.points if p.best), key=lambda at: at.x())
        painter.setPen(QPen(theme.colour("muted"), 1, Qt.PenStyle.DashLine))
        painter.drawPolyline(best)
        for point in self.points:
            self._paint_dot(painter, point)
        painter.end()

    def _paint_dot(self, painter: QPainter, point: Point) -> None:
        at, colour = self.at(point), run_colours.colour(self._number(point.index))
        painter.setPen(QPen(colour, 2))
        if point.deviation:
            _, y = self._ends()
            half = point.deviation / (y[1] - y[0]) * self._box().height()
            painter.drawLine(QLineF(at.x(), at.y() - half, at.x(), at.y() + half))
        painter.setBrush(colour if point.best else theme.colour("surface"))
        painter.drawEllipse(at, DOT, DOT)

    def _paint_axes(self, painter: QPainter) -> None:
        x, y = self._ends()
        box, height = self._box(), self.fontMetrics().height()
        step = round_step(y[1] - y[0], max(2, int(box.height() / 40)))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value in _ticks(*y, step):
            at = box.bottom() - (value - y[0]) / (y[1] - y[0]) * box.height()
            painter.setPen(theme.colour("line"))
            painter.drawLine(QLineF(box.left(), at, box.right(), at))
            painter.setPen(theme.colour("muted"))
            painter.drawText(QRectF(0, at - height, LEFT - 6, 2 * height), right, tick(value, step))
        middle = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        parts = max(3, int(box.width() / 70))
        for value in _decades(*x) if self.log else _ticks(*x, round_step(x[1] - x[0], parts)):
            at = box.left() + (value - x[0]) / (x[1] - x[0]) * box.width()
            words = f"{10**value:,.3g}" if self.log else f"{value:,.6g}"
            painter.drawText(QRectF(at - 45, box.bottom() + 3, 90, height), middle, words)
        name = self._cost.heading() if self._cost else ""
        painter.drawText(QRectF(box.left(), self.height() - height - 1, box.width(), height), middle, name)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say which dot is meant."""
        found = self._meant(event.position())
        self.setCursor(Qt.CursorShape.PointingHandCursor if found else Qt.CursorShape.ArrowCursor)
        if found and self._cost and self._gain:
            words = f"{found.title}\n{self._gain.title} {self._gain.words(found.gain)} {self._gain.unit}\n" + (
                f"{self._cost.title} {self._cost.words(found.cost)} {self._cost.unit}"
            )
            QToolTip.showText(event.globalPosition().toPoint(), words + ("\non the Pareto front" if found.best else ""), self)
        else:
            QToolTip.hideText()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the dot."""
        found = self._meant(event.position())
        if found:
            self.picked.emit(found.index)

    def _meant(self, at: QPointF) -> Point | None:
        near = [(QLineF(self.at(p), at).length(), n) for n, p in enumerate(self.points)]
        return self.points[min(near)[1]] if near and min(near)[0] <= NEAR else None


class ScatterCard(Card):
    """Gain over one cost, as a card."""

    def __init__(self, cost: Metric) -> None:
        super().__init__(f"Against {cost.title}", "", cost.help)
        self.key = f"cost/{cost.name}"
        self.cost = cost
        self.scatter = Scatter()
        self._log = theme.set_role(QToolButton(), "compact")
        self._log.setText("log")
        self._log.setToolTip("Logarithmic axis of the cost")
        self._log.setCheckable(True)
        self._log.toggled.connect(self.scatter.set_log)
        self._stack = QStackedWidget()
        timed = cost.name.startswith("milliseconds")
        missing = "Press Measure latency to time the students of these runs on this machine." if timed else MISSING
        self._stack.addWidget(Waiting(missing))
        self._stack.addWidget(self.scatter)
        self.tools.addWidget(self._log)
        self.levers.append(self._log)
        self.body.addWidget(self._stack)

    def show_points(self, points: list[Point], number: Callable[[int], int], gain: Metric) -> None:
        """Show contenders by this card's cost and a gain."""
        first = not self.scatter.points
        self._stack.setCurrentIndex(1 if len(points) > 1 else 0)
        self.scatter.show_points(points, number, self.cost, gain)
        paid = [p.cost for p in points if p.cost > 0]
        if first and paid:
            self._log.setChecked(max(paid) / min(paid) > FAR)
        self.scatter.set_log(self._log.isChecked())

    def redraw(self) -> None:
        """Nothing but paint: the points are given."""
        self.scatter.update()

    def table(self) -> Rows:
        """Every point."""
        yield ("experiment", self.cost.name, "gain", "deviation", "on the Pareto front")
        for p in self.scatter.points:
            yield (p.title, p.cost, p.gain, "" if p.deviation is None else p.deviation, p.best)


def _padded(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    pad = 0.12 * (high - low) or abs(high) * 0.1 or 1.0
    return low - pad, high + pad


def _decades(low: float, high: float) -> list[float]:
    """Logarithms of 1, 2 and 5 times powers of ten; round numbers between ends that hold fewer than two of those."""
    marks = [p + math.log10(m) for p in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
    found = [v for v in marks if low <= v <= high]
    step = round_step(10**high - 10**low, 3)
    return found if len(found) > 1 else [math.log10(v) for v in _ticks(10**low, 10**high, step) if v > 0]


def _ticks(low: float, high: float, step: float) -> list[float]:
    return [n * step for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
