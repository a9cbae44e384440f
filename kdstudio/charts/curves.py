"""A card of curves: what a plot shows is declared by a `Plot`, and read from the run's history at each redraw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PySide6.QtWidgets import QStackedWidget, QToolButton, QVBoxLayout, QWidget

from kdstudio import theme
from kdstudio.charts.canvas import Canvas
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.figures import clock, figure, round_end
from kdstudio.charts.legend import Legend, Mark
from kdstudio.charts.lens import Lens
from kdstudio.charts.picker import Picker
from kdstudio.charts.shades import pale
from kdstudio.charts.strokes import Stroke
from kdstudio.curve import Curve, Numbers, nearest
from kdstudio.history import History

DOTTED = 30
"""Up to this many points a curve shows its points, and is not smoothed."""
ROOM = 1.015
"""The x axis goes on a little, so that a mark at its end is whole."""


@dataclass(frozen=True)
class Line:
    """How one curve is called and drawn; `index` chooses its colour."""

    name: str
    index: int
    dashed: bool = False
    help: str = ""


@dataclass(frozen=True)
class Level:
    """A horizontal line to compare with."""

    value: float
    line: Line


@dataclass(frozen=True)
class Plot:
    """A plot, declared. `lines(name)` says how a measured number is drawn, None that it does not belong here;
    `weighted` does the same for the other reading that the card's menu offers; `best` puts a ring on the largest value
    of each solid curve; `sum` is the number that adds up the others."""

    key: str
    title: str
    lines: Callable[[str], Line | None]
    unit: str = ""
    help: str = ""
    stage: str = ""
    log: bool = False
    digits: int | None = None
    best: bool = False
    sum: str = ""
    levels: Callable[[History], tuple[Level, ...]] = lambda history: ()
    weighted: Callable[[str], Line | None] | None = None
    waiting: str = "Nothing measured yet."


@dataclass(frozen=True)
class Drawn:
    """One curve as it stands on the canvas."""

    key: str
    line: Line
    curve: Curve
    x: Numbers
    y: Numbers


class CurveCard(Card):
    """Curves over step, epoch or time."""

    def __init__(self, plot: Plot, history: History, lens: Lens) -> None:
        super().__init__(plot.title, plot.unit, plot.help)
        self.plot, self.history, self.lens = plot, history, lens
        self.legend = Legend()
        self._drawn: list[Drawn] = []
        self._cursor: float | None = None
        self._reading = plot.lines
        self._stages = Picker("Stage shown in this plot")
        self._stages.setVisible(False)
        self._log = QToolButton()
        self._log.setText("log")
        self._log.setToolTip("Logarithmic axis")
        self._log.setCheckable(True)
        theme.set_role(self._log, "compact")
        self._log.setChecked(plot.log)
        self._stack = QStackedWidget()
        self._build()

    def _build(self) -> None:
        self.tools.addWidget(self._stages)
        self.tools.addWidget(self._log)
        self.levers.append(self._log)
        self._page = QVBoxLayout(page := QWidget())
        self._page.setContentsMargins(0, 0, 0, 0)
        self._page.setSpacing(2)
        self._page.addWidget(self.legend)
        self._stack.addWidget(Waiting(self.plot.waiting))
        self._stack.addWidget(page)
        self.body.addWidget(self._stack)
        self._stages.currentIndexChanged.connect(self.show_all)
        self._log.toggled.connect(self.show_all)
        self.legend.toggled.connect(self.redraw)
        theme.signals.changed.connect(self._dress)
        if self.plot.weighted is not None:
            action = self.add_action("Terms times their weights", self._swap, checkable=True)
            action.setToolTip("Show each term as it enters the sum")

    @cached_property
    def canvas(self) -> Canvas:
        """Made when there first is something to draw in sight, for making it takes most of a card's time."""
        canvas = Canvas()
        canvas.pointed.connect(self._point)
        canvas.left.connect(self._unpoint)
        canvas.on_double_click(self.show_all)
        self._page.addWidget(canvas, 1)
        return canvas

    def wants(self, name: str) -> bool:
        """Whether a measured number belongs to this plot, in either reading."""
        weighted = self.plot.weighted
        return self.plot.lines(name) is not None or (weighted is not None and weighted(name) is not None)

    def _swap(self) -> None:
        weighted = self.plot.weighted
        assert weighted is not None
        self._reading = weighted if self._reading is self.plot.lines else self.plot.lines
        self.set_unit(self.plot.unit if self._reading is self.plot.lines else f"{self.plot.unit}, weighted".lstrip(", "))
        self.show_all()

    def show_all(self) -> None:
        """Forget the zoom and draw anew."""
        self.forget_zoom()
        self.redraw()

    def forget_zoom(self) -> None:
        """The next drawing shows everything."""
        if self._made():
            self.canvas.zoomed = False

    def _made(self) -> bool:
        return "canvas" in self.__dict__

    def shown_stage(self) -> str:
        """The stage whose curves are drawn: the chosen one, else the newest in which there is more than one point."""
        chosen = self._stages.currentData()
        if chosen:
            return str(chosen)
        stages = self._measured()
        long = [s for s, points in stages.items() if points > 1]
        return (long or list(stages) or [""])[-1]

    def _measured(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for (stage, name), curve in self.history.curves.items():
            if self._reading(name) is not None and len(curve) and self.plot.stage in ("", stage):
                found[stage] = max(found.get(stage, 0), len(curve))
        return {s: found[s] for s in self.history.stages if s in found}

    def redraw(self) -> None:
        """Draw what the history holds now."""
        self._offer_stages()
        stage = self.shown_stage()
        drawn = list(self._curves(stage))
        self._stack.setCurrentIndex(1 if drawn else 0)
        if not drawn:
            return
        levels = self.plot.levels(self.history)
        self.legend.show_marks([self._mark(d.key, d.line) for d in drawn] + [self._mark(_key(v), v.line) for v in levels])
        self._set_axes()
        shown = [d for d in drawn if self.legend.shown(d.key)]
        for level in levels:
            self.legend.set_value(_key(level), level.value)
        levels = tuple(level for level in levels if self.legend.shown(_key(level)))
        strokes = {key: stroke for one in shown for key, stroke in self._strokes(one)}
        self.canvas.strokes.show_all(strokes, {_key(v): (self._one_up(v.value), theme.series(v.line.index)) for v in levels})
        self._drawn = drawn
        self._frame(shown, levels, stage)
        self._say_values()

    def _curves(self, stage: str) -> Iterator[Drawn]:
        curves = {n: c for (where, n), c in self.history.curves.items() if where == stage and len(c)}
        lines = {n: line for n in curves if (line := self._reading(n)) is not None}
        if self.plot.sum in lines and len(lines) == 2:
            del lines[self.plot.sum]  # a sum of one term is that term
        for name, line in sorted(lines.items(), key=lambda item: item[1].index):
            curve = curves[name]
            if len(curve):
                yield Drawn(name, line, curve, curve.x(self.lens.axis), curve.smoothed(self.lens.smoothing))

    def _mark(self, key: str, line: Line) -> Mark:
        return Mark(key, line.name, line.index, line.dashed, self.plot.digits, line.help)

    def _strokes(self, one: Drawn) -> Iterator[tuple[str, Stroke]]:
        """The curve, and where it is smoothed the raw one faint below."""
        colour, few, raw = theme.series(one.line.index), len(one.y) <= DOTTED, one.curve.y()
        if self.lens.smoothing > 0 and not few:
            yield f"{one.key}/raw", Stroke(one.x, self._up(raw), pale(colour))
        y = self._up(raw if few else one.y)
        ring = self._best(one, raw) if self.plot.best and not one.line.dashed else None
        yield one.key, Stroke(one.x, y, colour, one.line.dashed, few, ring)

    def _best(self, one: Drawn, raw: Numbers) -> tuple[float, float] | None:
        """Where the largest value stands."""
        if not np.isfinite(raw).any():
            return None
        at = int(np.nanargmax(raw))
        return float(one.x[at]), self._one_up(float(raw[at]))

    def _one_up(self, value: float) -> float:
        return float(self._up(np.array([value]))[0])

    def _up(self, values: Numbers) -> Numbers:
        if not self._log.isChecked():
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(values > 0, np.log10(values), np.nan)

    def _set_axes(self) -> None:
        self.canvas.up.kind = "log" if self._log.isChecked() else "number"
        self.canvas.set_across(self.lens.axis)
        self.canvas.across.kind = "time" if self.lens.axis == "time" else "number"

    def _frame(self, shown: list[Drawn], levels: tuple[Level, ...], stage: str) -> None:
        up = [self._up(d.curve.y() if self.lens.smoothing == 0 else d.y) for d in shown]
        up += [self._up(np.array([level.value])) for level in levels]
        values = np.concatenate(up) if up else np.array([])
        values = values[np.isfinite(values)]
        if not len(values):
            values = np.array([0.0, 1.0])
        furthest = max((float(d.x[-1]) for d in self._drawn), default=1.0)
        end = round_end(furthest, self._whole(stage))
        self.canvas.frame((0.0, end * ROOM), (float(values.min()), float(values.max())), log=self._log.isChecked())

    def _whole(self, stage: str) -> float:
        """Where the x axis ends when the stage is over; 0 where nobody knows."""
        view = self.history.stages[stage]
        if self.lens.axis == "time":
            return view.clock - view.began if view.state == "done" else 0.0
        return float(view.steps if self.lens.axis == "step" else view.epochs)

    def _offer_stages(self) -> None:
        stages = [s for s, points in self._measured().items() if points > 1]
        entries: list[tuple[str, object]] = [("latest stage", "")]
        entries += [(self.history.stages[s].title, s) for s in stages]
        self._stages.offer(entries)
        self._stages.setVisible(len(stages) > 1)

    def _point(self, x: float) -> None:
        self._cursor = x
        self._say_values()

    def _unpoint(self) -> None:
        self._cursor = None
        self._say_values()

    def _say_values(self) -> None:
        """The newest values in the legend, or those under the cursor."""
        at = self._snapped()
        if at is not None:
            words = clock(at, 1.0) if self.lens.axis == "time" else figure(at)
            self.canvas.point_at(at, f"{self.lens.axis} {words}")
        for one in self._drawn:
            place = len(one.y) - 1 if at is None else nearest(one.x, at)
            self.legend.set_value(one.key, float(one.y[place]))

    def _snapped(self) -> float | None:
        """The measured position nearest to the cursor."""
        if self._cursor is None or not self._drawn:
            return None
        x = max((d.x for d in self._drawn), key=len)
        return float(x[nearest(x, self._cursor)])

    def _dress(self) -> None:
        """Follow the theme."""
        if self._made():
            self.canvas.dress()
        self.stale.emit(self)

    def table(self) -> Rows:
        """Every measurement of the shown curves, unthinned and unsmoothed, one a row."""
        yield ("stage", "curve", "step", "epoch", "seconds", "value")
        stage = self.shown_stage()
        for one in self._curves(stage):
            columns = (one.curve.x("step"), one.curve.x("epoch"), one.curve.x("time"), one.curve.y())
            for step, epoch, seconds, value in zip(*columns, strict=True):
                yield (stage, one.line.name, int(step), round(float(epoch), 4), round(float(seconds), 3), float(value))


def _key(level: Level) -> str:
    return f"level/{level.line.name}"
