"""Which of the settings that were tried explains a number, and the axes on which runs are drawn as lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.cards import Catalogue
from engine.comparison import contents
from engine.comparison.contents import Setting
from engine.comparison.sides import Side

BINS = 4
"""A number with more different values than this is sorted into so many bins of about equally many runs."""
FEWEST = 4
"""Below so many runs nothing is said of importance."""


@dataclass(frozen=True)
class Importance:
    """Of one setting: `share` of the variance between runs that it explains alone, from 0 to 1, corrected for the number of its
    values; `trend` is Spearman's rank correlation with the number, None where the setting is no number; `runs` counted."""

    path: str
    label: str
    share: float
    trend: float | None
    runs: int


def explained(groups: Sequence[Any], values: Sequence[float]) -> float:
    """ε² of a one-way analysis of variance: 1 - (SS_within / (n - k)) / (SS_total / (n - 1)), at least 0 (Kelley 1935): the
    share of variance that belonging to one of k groups explains, without what k groups explain by chance."""
    kinds = list(dict.fromkeys(groups))
    n, k = len(values), len(kinds)
    y = np.asarray(values, dtype=np.float64)
    total = float(((y - y.mean()) ** 2).sum())
    if n <= k or k < 2 or total == 0:
        return 0.0
    held = np.array([kinds.index(g) for g in groups])
    within = sum(float(((y[held == i] - y[held == i].mean()) ** 2).sum()) for i in range(k))
    return max(0.0, 1 - (within / (n - k)) / (total / (n - 1)))


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Spearman's ρ, ties at their mean rank; None where one of them does not vary."""
    a, b = _ranks(np.asarray(x, dtype=np.float64)), _ranks(np.asarray(y, dtype=np.float64))
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else None


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    return np.asarray((ends - (count - 1) / 2)[place], dtype=np.float64)


def importance(sides: Sequence[Side], metric: str, catalogue: Catalogue) -> list[Importance]:
    """The varied settings, the one that explains most first; only runs that count and have the number. Empty where there are
    too few of them."""
    known = [side for side in sides if side.counts and side.value(metric) is not None]
    if len(known) < FEWEST:
        return []
    values = [float(side.value(metric) or 0.0) for side in known]
    found = [_of(setting, values) for setting in contents.varied(known, catalogue)]
    return sorted(found, key=lambda one: -one.share)


def _of(setting: Setting, values: Sequence[float]) -> Importance:
    numbers = _numbers(setting)
    held = [n for n, x in enumerate(numbers) if x is not None]
    trend = None
    if len(held) >= FEWEST:
        trend = rank_correlation([float(numbers[n] or 0.0) for n in held], [values[n] for n in held])
    return Importance(setting.path, setting.title, explained(_groups(setting, numbers), values), trend, len(values))


def _groups(setting: Setting, numbers: Sequence[float | None]) -> list[str]:
    """To which value, or bin of values, each run belongs; where the setting does not matter is a group of its own."""
    words = [setting.words(n) for n in range(len(numbers))]
    known = [x for x in numbers if x is not None]
    if len(set(known)) <= BINS:
        return words
    ends = np.quantile(np.array(known), np.linspace(0, 1, BINS + 1)[1:-1])
    return [word if x is None else f"bin {int(np.searchsorted(ends, x))}" for word, x in zip(words, numbers)]


def _numbers(setting: Setting) -> list[float | None]:
    return [
        float(v) if m and isinstance(v, (int, float)) and not isinstance(v, bool) else None
        for v, m in zip(setting.values, setting.matters)
    ]


@dataclass(frozen=True)
class Axis:
    """One upright axis: where each run crosses it, from 0 (bottom) to 1 (NaN: nowhere), and what is written where."""

    path: str
    label: str
    places: tuple[float, ...]
    ticks: tuple[tuple[float, str], ...]


def axes(sides: Sequence[Side], metric: str, title: str, catalogue: Catalogue) -> list[Axis]:
    """The varied settings and at last the number, for parallel coordinates."""
    found = [_axis(setting) for setting in contents.varied(sides, catalogue)]
    values = [v if side.counts and (v := side.value(metric)) is not None else math.nan for side in sides]
    return [*found, _measured(metric, title, values)]


def _axis(setting: Setting) -> Axis:
    """Different values in equal steps: numbers by size, words in the order of appearance, what does not matter at the foot."""
    numbers = _numbers(setting)
    words = [setting.words(n) for n in range(len(numbers))]
    size = {word: x for word, x in zip(words, numbers) if x is not None}
    order = sorted(dict.fromkeys(words), key=lambda w: (w != contents.DASH, w in size, size.get(w, 0.0)))
    step = {word: n / max(1, len(order) - 1) for n, word in enumerate(order)}
    return Axis(setting.path, setting.title, tuple(step[w] for w in words), tuple((step[w], w) for w in order))


def _measured(metric: str, title: str, values: list[float]) -> Axis:
    known = [v for v in values if not math.isnan(v)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    span = high - low or 1.0
    ticks = tuple((k / 4, f"{low + span * k / 4:.4g}") for k in range(5))
    return Axis(metric, title, tuple((v - low) / span for v in values), ticks)
