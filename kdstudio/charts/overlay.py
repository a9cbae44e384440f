"""A card with the same number of several runs: a curve each in its run's colour, or a mean with a band an experiment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QStackedWidget, QToolButton, QVBoxLayout, QWidget

from engine.comparison.curves import Overlay, averaged
from kdstudio import theme
from kdstudio.charts.canvas import Canvas
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.figures import clock, figure
from kdstudio.charts.lens import Lens
from kdstudio.charts.outliers import span
from kdstudio.charts.overlay_strokes import OverlayStrokes, Trace
from kdstudio.charts.ranges import Ranged
from kdstudio.charts.shades import pale
from kdstudio.history.curve import Numbers, nearest

STEP = 0.1
"""Share of the seen range by which one notch of the wheel or one key goes on."""
ROOM = 1.015
"""The x axis goes on a little, so that what stands at its end is whole."""
READING = "Reading…"
NOTHING = "None of the shown runs measured this."


@dataclass(frozen=True)
class Track:
    """One run, or one experiment over its seeds: (N,) places on the chosen axis and values; `deviation` where it is a mean."""

    name: str
    label: str
    pen: QPen
    x: Numbers
    y: Numbers
    deviation: Numbers | None = None


class OverlayCanvas(Canvas):
    """A canvas that can also be gone along: with the middle button, with Shift and the wheel, with the arrow keys."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.traces = OverlayStrokes()
        self.box.addItem(self.traces, ignoreBounds=True)

    def pan(self, share: float) -> None:
        """Go on by a share of the range that is seen."""
        low, high = self.box.viewRange()[0]
        self.box.setRange(xRange=(low + share * (high - low), high + share * (high - low)), padding=0, disableAutoRange=True)
        self.box.sigRangeChangedManually.emit(self.box.state["mouseEnabled"])

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Go along with Shift, or by a wheel that turns sideways."""
        turned = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or abs(turned.x()) > abs(turned.y()):
            self.pan(-STEP * (turned.x() or turned.y()) / 120)
            event.accept()
        else:
            super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go along; Home shows everything again."""
        ways = {Qt.Key.Key_Left: -STEP, Qt.Key.Key_Right: STEP}
        if event.key() in ways and not event.modifiers():
            self.pan(ways[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_Home:
            self.zoomed = False
            self._double()
        else:
            super().keyPressEvent(event)


class OverlayCard(Card):
    """One number of every run. `tracks(card)` gives what is to be drawn, None while it is being read; `pointed` carries the
    values at the cursor by track, with words for where that is, and empty when the cursor has left."""

    pointed = Signal(str, dict)

    def __init__(self, overlay: Overlay, tracks: Callable[[OverlayCard], list[Track] | None], lens: Lens) -> None:
        super().__init__(overlay.title, overlay.unit, overlay.help)
        self.key = overlay.key
        self.overlay, self._tracks, self.lens = overlay, tracks, lens
        self._axis = lens.axis
        self.drawn: list[Track] = []
        self._curves: dict[str, tuple[Numbers, Numbers]] = {}
        self.canvas = OverlayCanvas()
        self.canvas.setAccessibleName(overlay.title)
        self._log = theme.set_role(QToolButton(), "compact")
        self._log.setText("log")
        self._log.setToolTip("Logarithmic axis")
        self._log.setCheckable(True)
        self._log.setChecked(overlay.log)
        self._words = Waiting(READING)
        self._stack = QStackedWidget()
        self._build()

    def _build(self) -> None:
        self.tools.addWidget(self._log)
        self.levers.append(self._log)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.canvas)
        self._stack.addWidget(self._words)
        self._stack.addWidget(page)
        self.body.addWidget(self._stack)
        self._log.toggled.connect(self.show_everything)
        self.canvas.pointed.connect(self._point)
        self.canvas.left.connect(self._unpoint)
        self.lens.crossing.moved.connect(self._follow)
        self.canvas.on_double_click(self.show_everything)
        theme.signals.changed.connect(self._dress)

    def show_everything(self) -> None:
        """Forget the zoom and draw anew."""
        self.canvas.zoomed = False
        self.redraw()

    def redraw(self) -> None:
        """Draw what has been read; all of it where the axis is another."""
        if self._axis != self.lens.axis:
            self._axis, self.canvas.zoomed = self.lens.axis, False
        tracks = self._tracks(self)
        self.drawn = tracks or []
        self._words.setText(READING if tracks is None else NOTHING)
        self._stack.setCurrentIndex(1 if self.drawn else 0)
        if not self.drawn:
            return
        self.canvas.set_across(self.lens.axis)
        self.canvas.across.kind = "time" if self.lens.axis == "time" else "number"
        self.canvas.up.kind = "log" if self._log.isChecked() else "number"
        self._curves = {track.name: (track.x, averaged(track.y, self.lens.smoothing)) for track in self.drawn}
        traces = [trace for track in self.drawn for trace in self._traces(track)]
        self.canvas.traces.show_all(traces)
        self._frame(traces)

    def _traces(self, track: Track) -> list[Trace]:
        """The curve, below it the raw one where it is smoothed, and its band."""
        x, y = self._curves[track.name]
        band = None
        if track.deviation is not None:
            band = self._ranged(x, track.y - track.deviation), self._ranged(x, track.y + track.deviation)
        own = Trace(self._ranged(x, y), track.pen, *(band or (None, None)))
        if not self.lens.smoothing or track.deviation is not None:
            return [own]
        faint = QPen(pale(track.pen.color()), 0)
        return [Trace(self._ranged(x, track.y), faint), own]

    def _ranged(self, x: Numbers, y: Numbers) -> Ranged:
        if not self._log.isChecked():
            return Ranged(x, y)
        with np.errstate(divide="ignore", invalid="ignore"):
            return Ranged(x, np.where(y > 0, np.log10(y), np.nan))

    def _frame(self, traces: list[Trace]) -> None:
        low, high = span((trace.curve.y for trace in traces), calm=True) if self.lens.calm else _ends(traces)
        first = min(float(track.x[0]) for track in self.drawn)
        last = max(float(track.x[-1]) for track in self.drawn)
        wide = (last - first) or 1.0
        self.canvas.frame((min(0.0, first), first + wide * ROOM), (float(low), float(high)), log=self._log.isChecked())

    def _point(self, x: float, y: float) -> None:
        """Say what every curve is at the pointer, at the nearest place of the longest."""
        if not self.drawn:
            return
        places = max((places for places, _ in self._curves.values()), key=len)
        at = float(places[nearest(places, x)])
        words = f"{self.lens.axis} {clock(at, 1.0) if self.lens.axis == 'time' else figure(at)}"
        self.canvas.point_at(at, y, words)
        self.lens.crossing.point(self, self._scale(), at)
        values = {name: float(y[nearest(places, at)]) for name, (places, y) in self._curves.items() if len(y)}
        self.pointed.emit(words, values)

    def _unpoint(self) -> None:
        self.pointed.emit("", {})
        self.lens.crossing.leave(self)

    def _scale(self) -> str:
        """What makes the same x the same moment of training."""
        return f"{self.lens.axis} of {self.overlay.key.partition('/')[0]}"

    def _follow(self, plot: QObject, scale: str, x: float) -> None:
        """The pointer moved in a plot: in another one over the same scale, this one shows the place."""
        if plot is self or not self.isVisible() or not self.drawn:
            return
        if scale == self._scale():
            self.canvas.follow(x)
        else:
            self.canvas.unpoint()

    def _dress(self) -> None:
        self.canvas.dress()
        self.stale.emit(self)

    def table(self) -> Rows:
        """Every value of the drawn curves, unthinned and unsmoothed, one a row."""
        yield ("run", self.lens.axis, "value", *(("deviation",) if any(t.deviation is not None for t in self.drawn) else ()))
        for track in self.drawn:
            spread = () if track.deviation is None else (track.deviation.tolist(),)
            for row in zip(track.x.tolist(), track.y.tolist(), *spread, strict=True):
                yield (track.label, *row)


def _ends(traces: list[Trace]) -> tuple[float, float]:
    """The least and the greatest value of all, their bands included; (0, 1) where there is none."""
    ends = np.array([(trace.below or trace.curve).ends()[:1] + (trace.above or trace.curve).ends()[1:] for trace in traces])
    return (np.nanmin(ends[:, 0]), np.nanmax(ends[:, 1])) if np.isfinite(ends).any() else (0.0, 1.0)
