"""Two to twenty runs laid side by side: everything that can be said of them, reckoned when it is first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from engine import extras
from engine.cards import Catalogue
from engine.comparison import colours, contenders, contents, curves, front, importance, metrics
from engine.comparison.contenders import Contender
from engine.comparison.contents import Setting
from engine.comparison.curves import Overlay
from engine.comparison.front import Point
from engine.comparison.importance import Axis, Importance
from engine.comparison.metrics import Cell, Metric
from engine.comparison.sides import CompareError, Side, read_all

BETWEEN = " · "
"""Stands between the parts of a title: what an entry of a sweep is called, and the sweep."""


class Comparison:
    """Runs in the order in which they were chosen; `baseline` is the run whose experiment the others are compared with."""

    def __init__(self, sides: Sequence[Side], baseline: Side, numbers: dict[str, int], catalogue: Catalogue) -> None:
        """`numbers` are those of the runs' colours, by name. Use `of` for folders."""
        self.sides, self.baseline, self.numbers, self.catalogue = tuple(sides), baseline, numbers, catalogue

    @classmethod
    def of(cls, paths: Sequence[Path], baseline: Path | None = None, home: Path | None = None) -> Comparison:
        """The runs in these folders; the baseline is the first of them unless it is named, `home` is where colours are
        remembered. Raises CompareError."""
        sides = read_all(list(paths))
        pinned = next((s for s in sides if baseline is not None and s.path == baseline.resolve()), None)
        if baseline is not None and pinned is None:
            raise CompareError(f"{baseline.name} is not among the compared runs; choose another baseline")
        numbers = colours.number_of(home or sides[0].path.parent, [side.name for side in sides])
        return cls(sides, pinned or sides[0], numbers, extras.catalogue())

    def pinned(self, baseline: Side) -> Comparison:
        """The same runs beside another baseline."""
        return Comparison(self.sides, baseline, self.numbers, self.catalogue)

    @cached_property
    def title(self) -> str:
        """What is compared, in words."""
        among = list(dict.fromkeys(self._titles[c.title] for c in self.contenders))
        words = BETWEEN.join(among[:3])
        return words if len(among) <= 3 else f"{words} and {len(among) - 3} more"

    @cached_property
    def contenders(self) -> list[Contender]:
        """The experiments over their seeds."""
        return contenders.contenders(self.sides, self.catalogue)

    def label(self, side: Side) -> str:
        """What a run is called beside these others: its experiment and its seed."""
        return f"{self.name(contenders.contender_of(side, self.contenders))} · seed {side.seed}"

    def name(self, contender: Contender) -> str:
        """What an experiment is called beside these others: by what tells it apart alone, where all have one title, else
        without the end that all titles share."""
        one_title = all(c.apart for c in self.contenders) and len({c.sides[0].title for c in self.contenders}) == 1
        return contender.apart if one_title else self._titles[contender.title]

    @cached_property
    def _titles(self) -> dict[str, str]:
        """What is left of each title without its common end, which the runs of a sweep have."""
        parts = {c.title: c.title.split(BETWEEN) for c in self.contenders}
        while len(parts) > 1 and all(len(p) > 1 for p in parts.values()) and len({p[-1] for p in parts.values()}) == 1:
            parts = {title: p[:-1] for title, p in parts.items()}
        return {title: BETWEEN.join(p) for title, p in parts.items()}

    @cached_property
    def against(self) -> Contender:
        """The contender that the others are compared with."""
        return contenders.contender_of(self.baseline, self.contenders)

    @cached_property
    def settings(self) -> list[Setting]:
        """Every setting, side by side."""
        return contents.side_by_side(self.sides, self.catalogue)

    @cached_property
    def differing(self) -> list[Setting]:
        """The settings in which the runs differ, their seeds among them."""
        return [setting for setting in self.settings if setting.differs]

    @cached_property
    def metrics(self) -> list[Metric]:
        """The columns of the results."""
        return metrics.known(self.sides)

    def cell(self, contender: Contender, metric: Metric) -> Cell:
        """What the results say of a contender's metric."""
        return metrics.cell(contender, metric, self.against)

    @cached_property
    def remarks(self) -> list[str]:
        """What a reader of the results must know."""
        return contenders.remarks(self.sides, self.contenders)

    def points(self, cost: str, gain: str) -> list[Point]:
        """The contenders by cost and gain, the Pareto front marked."""
        return front.points(self.contenders, cost, gain)

    def importance(self, metric: str) -> list[Importance]:
        """Which of the varied settings explain a metric."""
        return importance.importance(self.sides, metric, self.catalogue)

    def axes(self, metric: Metric) -> list[Axis]:
        """Axes of parallel coordinates."""
        return importance.axes(self.sides, metric.name, metric.heading(), self.catalogue)

    @cached_property
    def overlays(self) -> list[Overlay]:
        """Every number that can be overlaid; reads which curves each run has."""
        return curves.overlays(self.sides, curves.names(self.sides))

    def meaning(self) -> str:
        """How the results are to be read."""
        return (
            f"Mean ± standard deviation over seeds. To baseline: the difference to {self.against.title!r}, paired over the "
            "seeds that both have, with the 95 % interval of its mean (Student's t); it says something only where that leaves "
            "zero out."
        )
