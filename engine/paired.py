"""Runs compared over the same seeds: means, deviations, and paired differences with a 95 % interval."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (n - 1) of `count` values; one value alone has no deviation."""

    mean: float
    deviation: float | None
    count: int


@dataclass(frozen=True)
class Difference:
    """Mean difference over paired seeds and half of its 95 % interval; None for a single pair."""

    mean: float
    half: float | None
    pairs: int


def spread(values: Sequence[float]) -> Spread | None:
    """Mean and deviation; None of no values."""
    if not values:
        return None
    return Spread(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None, len(values))


def difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Difference | None:
    """Ours minus theirs over the seeds that both have: the mean of d and t(n - 1) · s(d) / √n, Student's interval of a mean.
    None where they share no seed."""
    found = spread([ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())])
    if found is None:
        return None
    if found.deviation is None:
        return Difference(found.mean, None, 1)
    half = t_quantile(0.5 + CONFIDENCE / 2, found.count - 1) * found.deviation / math.sqrt(found.count)
    return Difference(found.mean, half, found.count)


def t_quantile(probability: float, freedom: int) -> float:
    """The value below which a share `probability` (between .5 and 1) of Student's t distribution lies, with `freedom` degrees,
    by bisection, to about 1e-9 relative. Raises ValueError outside."""
    if not 0.5 <= probability < 1 or freedom < 1:
        raise ValueError(f"no quantile of t at {probability} with {freedom} degrees of freedom")
    low, high = 0.0, 1.0
    while t_probability(high, freedom) < probability:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if t_probability(middle, freedom) < probability else (low, middle)
    return (low + high) / 2


def t_probability(value: float, freedom: int) -> float:
    """P(T <= value) of Student's t distribution with a whole number of degrees of freedom, value >= 0: the finite series of
    Abramowitz & Stegun 26.7.3 and 26.7.4 in θ = arctan(t / √ν)."""
    angle = math.atan2(value, math.sqrt(freedom))
    cosine, sine = math.cos(angle), math.sin(angle)
    if freedom % 2:
        between = 2 / math.pi * (angle + sine * _series(cosine if freedom > 1 else 0.0, cosine, range(3, freedom - 1, 2)))
    else:
        between = sine * _series(1.0, cosine, range(2, freedom - 1, 2))
    return 0.5 + between / 2


def _series(first: float, cosine: float, steps: range) -> float:
    """first · (1 + (n-1)/n · cos² + ...) over the steps n: each term is the one before times (n - 1) / n · cos²."""
    total = term = first
    for n in steps:
        term *= (n - 1) / n * cosine**2
        total += term
    return total
