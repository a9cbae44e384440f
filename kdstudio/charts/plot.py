"""What a plot of curves is, declared: which measured numbers belong to it, how each is called and drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kdstudio.history import History
from kdstudio.history.curve import Curve, Numbers


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

    @property
    def key(self) -> str:
        """What it is called among the curves."""
        return f"level/{self.line.name}"


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


def nearest_key(heights: Mapping[str, float], y: float, within: float) -> str:
    """The key of the height nearest to `y`; empty where none is within so much of it."""
    away = {key: abs(height - y) for key, height in heights.items()}
    near = {key: distance for key, distance in away.items() if distance <= within}
    return min(near, key=lambda key: near[key], default="")
