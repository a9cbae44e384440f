"""What is gained for what is paid: which points no other beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.comparison.contenders import Contender


@dataclass(frozen=True)
class Point:
    """A contender's cost and gain; `index` is its place among the contenders, `best` that it is on the Pareto front."""

    index: int
    title: str
    cost: float
    gain: float
    deviation: float | None
    best: bool


def front(points: Sequence[tuple[float, float]]) -> set[int]:
    """Which points (cost, gain) are on the Pareto front: for no other point is the cost at most and the gain at least the same,
    and one of them better. Equal points are on it together."""
    kept, highest = set[int](), float("-inf")
    order = sorted(range(len(points)), key=lambda n: (points[n][0], -points[n][1]))
    for n in order:
        cost, gain = points[n]
        if gain > highest or any(points[k] == (cost, gain) for k in kept):
            kept.add(n)
            highest = max(highest, gain)
    return kept


def points(among: Sequence[Contender], cost: str, gain: str) -> list[Point]:
    """Every contender that has both numbers: the median of the cost, the mean of the gain over its seeds."""
    found = [
        (n, contender, paid, had)
        for n, contender in enumerate(among)
        if (paid := contender.median(cost)) is not None and (had := contender.spread(gain)) is not None
    ]
    best = front([(paid, had.mean) for _, _, paid, had in found])
    return [
        Point(n, contender.title, paid, had.mean, had.deviation, k in best) for k, (n, contender, paid, had) in enumerate(found)
    ]
