"""A card of curves: what a plot shows is declared by a `Plot`, and read from the run's history at each redraw."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from kdstudio import theme
from kdstudio.charts.canvas import Canvas
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.figures import round_end
from kdstudio.charts.legend import Legend
from kdstudio.charts.lens import Lens, OwnLens
from kdstudio.charts.look_menu import add_look_menu
from kdstudio.charts.mark import Mark
from kdstudio.charts.outliers import span
from kdstudio.charts.picker import Picker, switch
from kdstudio.charts.plot import Drawn, Level, Line, Plot
from kdstudio.charts.pointing import Pointing
from kdstudio.charts.shades import pale
from kdstudio.charts.strokes import Stroke, points_of
from kdstudio.history import History
from kdstudio.history.curve import Numbers

__all__ = ["CurveCard", "Level", "Line", "Plot"]

DOTTED = 30
"""Up to this many points a curve shows its points, and is not smoothed."""
ROOM = 1.015
"""The x axis goes on a little, so that a mark at its end is whole."""
NEWS = 60
"""Of so many events the marks are drawn, the newest."""


class CurveCard(Card):
    """Curves over step, epoch or time."""

    def __init__(self, plot: Plot, history: History, shared: Lens) -> None:
        super().__init__(plot.title, plot.unit, plot.help)
        self.plot, self.history = plot, history
        self.key = plot.key
        self.lens = OwnLens(shared, plot.log, self)
        self.legend = Legend()
        self.drawn: list[Drawn] = []
        self._pointing = Pointing(self, shared.crossing)
        self._reading = plot.lines
        self._stages = Picker("Stage shown in this plot")
        self._stages.setVisible(False)
        self._log = switch("log", "Logarithmic axis")
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
        self._log.toggled.connect(lambda log: self.lens.choose("log", log))
        self.lens.changed.connect(self._look_anew)
        self.legend.toggled.connect(self.redraw)
        self.legend.pointed.connect(self.light)
        theme.signals.changed.connect(self._dress)
        add_look_menu(self, self.lens)
        if self.plot.weighted is not None:
            action = self.add_action("Terms times their weights", self._swap, checkable=True)
            action.setToolTip("Show each term as it enters the sum")

    @cached_property
    def canvas(self) -> Canvas:
        """Made when there first is something to draw in sight, for making it takes most of a card's time."""
        canvas = Canvas()
        canvas.setAccessibleName(self.title)
        canvas.pointed.connect(self._pointing.point)
        canvas.left.connect(self._pointing.leave)
        canvas.on_double_click(self.show_all)
        self._page.addWidget(canvas, 1)
        return canvas

    def wants(self, name: str) -> bool:
        """Whether a measured number belongs to this plot, in either reading."""
        weighted = self.plot.weighted
        return self.plot.lines(name) is not None or (weighted is not None and weighted(name) is not None)

    def look(self) -> dict[str, Any]:
        """How this plot alone is looked at, as plain data."""
        return self.lens.state()

    def look_as(self, state: dict[str, Any]) -> None:
        """Look at it as another time."""
        self.lens.load(state)

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

    def _look_anew(self) -> None:
        """Something was chosen for this plot alone."""
        self._log.setChecked(self.lens.log)
        self.show_all()

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

    # Drawing

    def redraw(self) -> None:
        """Draw what the history holds now."""
        self._offer_stages()
        stage = self.shown_stage()
        drawn = list(self._curves(stage))
        self._stack.setCurrentIndex(1 if drawn else 0)
        if not drawn:
            return
        levels = self.plot.levels(self.history)
        self.legend.show_marks([self._mark(d.key, d.line) for d in drawn] + [self._mark(v.key, v.line) for v in levels])
        self._set_axes()
        shown = [d for d in drawn if self.legend.shown(d.key)]
        self.legend.set_values({level.key: level.value for level in levels})
        levels = tuple(level for level in levels if self.legend.shown(level.key))
        points = points_of(len(shown))
        strokes = {key: stroke for one in shown for key, stroke in self._strokes(one, points)}
        heights = {v.key: (self.lens.height(v.value), theme.series(v.line.index)) for v in levels}
        self.canvas.strokes.show_all(strokes, heights, [(x, theme.colour("warning")) for x, _ in self.news(stage)])
        self.drawn = drawn
        self._frame(strokes, [height for height, _ in heights.values()], stage)
        self._pointing.refresh()

    def _curves(self, stage: str) -> Iterator[Drawn]:
        curves = {n: c for (where, n), c in self.history.curves.items() if where == stage and len(c)}
        lines = {n: line for n in curves if (line := self._reading(n)) is not None}
        if self.plot.sum in lines and len(lines) == 2:
            del lines[self.plot.sum]  # a sum of one term is that term
        axis, smoothing = self.lens.axis, self.lens.smoothing
        for name, line in sorted(lines.items(), key=lambda item: item[1].index):
            curve = curves[name]
            yield Drawn(name, line, curve, curve.x(axis), curve.smoothed(smoothing))

    def _mark(self, key: str, line: Line) -> Mark:
        return Mark(key, line.name, line.index, line.dashed, self.plot.digits, line.help)

    def _strokes(self, one: Drawn, points: int) -> Iterator[tuple[str, Stroke]]:
        """The curve, and where it is smoothed the raw one faint below."""
        colour, few, raw = theme.series(one.line.index), len(one.y) <= DOTTED, one.curve.y()
        if self.lens.smoothing > 0 and not few:
            yield f"{one.key}/raw", Stroke(one.x, self.lens.heights(raw), pale(colour), points=points)
        y = self.lens.heights(raw if few else one.y)
        ring = self._best(one, raw) if self.plot.best and not one.line.dashed else None
        yield one.key, Stroke(one.x, y, colour, one.line.dashed, few, ring, points)

    def _best(self, one: Drawn, raw: Numbers) -> tuple[float, float] | None:
        """Where the largest value stands."""
        if not np.isfinite(raw).any():
            return None
        at = int(np.nanargmax(raw))
        return float(one.x[at]), self.lens.height(float(raw[at]))

    def _set_axes(self) -> None:
        self.canvas.up.kind = "log" if self.lens.log else "number"
        self.canvas.set_across(self.lens.axis)
        self.canvas.across.kind = "time" if self.lens.axis == "time" else "number"

    def _frame(self, strokes: dict[str, Stroke], levels: list[float], stage: str) -> None:
        """Show everything; thinning keeps the extremes. Raw curves below smoothed ones may be cut."""
        curves = [stroke.y for key, stroke in strokes.items() if not key.endswith("/raw")]
        low, high = span(curves, calm=self.lens.calm)
        low, high = span([np.array([*((low, high) if curves else ()), *levels])], calm=False)
        furthest = max((float(d.x[-1]) for d in self.drawn), default=1.0)
        end = round_end(furthest, self._whole(stage))
        self.canvas.frame((0.0, end * ROOM), (low, high), log=self.lens.log)

    def _whole(self, stage: str) -> float:
        """Where the x axis ends when the stage is over; 0 where nobody knows."""
        view = self.history.stages[stage]
        if self.lens.axis == "time":
            return view.clock - view.began if view.state == "done" else 0.0
        return float(view.steps if self.lens.axis == "step" else view.epochs)

    def news(self, stage: str) -> list[tuple[float, str]]:
        """Where on the x axis something happened in a stage, and what."""
        view, axis = self.history.stages[stage], self.lens.axis
        return [(mark.x(axis, view), mark.words) for mark in self.history.marks if mark.stage == stage][-NEWS:]

    def _offer_stages(self) -> None:
        stages = [s for s, points in self._measured().items() if points > 1]
        entries: list[tuple[str, object]] = [("latest stage", "")]
        entries += [(self.history.stages[s].title, s) for s in stages]
        self._stages.offer(entries)
        self._stages.setVisible(len(stages) > 1)

    def light(self, key: str) -> None:
        """Light one curve; none with an empty key."""
        if self._made():
            self.canvas.strokes.light(key)

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
