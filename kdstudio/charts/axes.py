"""Axes whose numbers are readable: round ticks, 1-2-5 on a logarithmic axis, minutes on a time axis, a fixed width."""

from __future__ import annotations

import math
from typing import Any, Literal

import pyqtgraph as pg

from kdstudio import theme
from kdstudio.charts.figures import clock, round_step, tabular, tick

Kind = Literal["number", "log", "time"]

WIDTH = 50
HEIGHT = 20


class Axis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types
    """One axis. On a `log` axis positions are decimal logarithms; on a `time` axis they are seconds."""

    def __init__(self, side: Literal["left", "bottom"]) -> None:
        super().__init__(side)
        self.kind: Kind = "number"
        self.enableAutoSIPrefix(False)
        self.setStyle(
            autoExpandTextSpace=False, autoReduceTextSpace=False, tickLength=-3, maxTickLevel=0, hideOverlappingLabels=False
        )
        if side == "left":
            self.setWidth(WIDTH)
        else:
            self.setHeight(HEIGHT)

    def dress(self) -> None:
        """Font and colours of the theme."""
        self.setStyle(tickFont=tabular(theme.TEXT - 2))
        self.setTextPen(theme.colour("muted"))
        self.setPen(theme.colour("line"))
        self.setTickPen(theme.colour("line"))

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[Any, list[float]]]:
        """Where ticks stand, about one in sixty pixels."""
        parts = max(2, int(size / (26 if self.orientation == "left" else 58)))
        if self.kind == "log":
            return [(None, _decades(low, high, parts))]
        step = _clock_step(high - low, parts) if self.kind == "time" else round_step(high - low, parts)
        first = math.ceil(low / step - 1e-9)
        return [(step, [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)])]

    def tickStrings(self, values: list[float], scale: float, spacing: Any) -> list[str]:
        """What is written at the ticks."""
        if self.kind == "log":
            return [tick(10.0**v, 10.0 ** math.floor(v + 1e-9)) for v in values]
        write = clock if self.kind == "time" else tick
        return [write(v, spacing or 1.0) for v in values]


def _clock_step(span: float, parts: int) -> float:
    if span / parts <= 10:
        return round_step(span, parts)
    rounds = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0, 43200.0, 86400.0)
    return next((s for s in rounds if span / s <= parts), round_step(span, parts))


def _decades(low: float, high: float, parts: int) -> list[float]:
    """Ticks at powers of ten, and at 2 and 5 times them where there is room; at round numbers within a decade."""
    if high - low < 0.7:
        bottom, top = 10.0**low, 10.0**high
        step = round_step(top - bottom, parts)
        first = math.ceil(bottom / step - 1e-9)
        return [math.log10(i * step) for i in range(first, math.floor(top / step + 1e-9) + 1) if i > 0]
    powers = range(math.floor(low), math.ceil(high) + 1)
    skip = max(1, math.ceil(len(powers) / parts))
    marks = (1.0, 2.0, 5.0) if (high - low) * 3 <= parts * 1.5 else (1.0,)
    found = [p + math.log10(m) for p in powers if p % skip == 0 for m in marks]
    return [v for v in found if low - 1e-9 <= v <= high + 1e-9]
