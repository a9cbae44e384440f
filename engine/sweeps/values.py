"""The values that settings take in a sweep: every combination of them, or some at random."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Kinds = Callable[[str], str]
"""The kind of the setting at a dotted path."""

NUMBERS = ("integer", "number")
"""Kinds of settings that may have a range."""

DIGITS = 4
"""Significant digits of a number drawn at random."""


def listed(values: Any, kind: str) -> list[Any]:
    """The values of a list or a range in order; those of an integer setting are whole, each once."""
    if isinstance(values, list):
        return values
    if values.step is not None:
        steps = math.floor((values.high - values.low) / values.step * (1 + 1e-12))
        found = [values.low + n * values.step for n in range(steps + 1)]
    else:
        shares = [n / (values.count - 1) for n in range(values.count)]
        found = [_between(values, share) for share in shares]
    return list(dict.fromkeys(_number(value, kind, 12) for value in found))


def ends(values: Any, kind: str) -> tuple[Any, Any]:
    """The smallest and the largest value of a range."""
    return _number(values.low, kind, 12), _number(values.high, kind, 12)


def drawn(values: Any, share: float, kind: str) -> Any:
    """The value that lies at a share, from 0 to below 1, of a list or a range; even shares give each value of a list, each
    number of a range or each factor of a log range the same chance."""
    if isinstance(values, list):
        return values[int(share * len(values))]
    if values.step is not None or values.count is not None:
        return drawn(listed(values, kind), share, kind)
    if kind == "integer" and values.scale == "linear":
        return int(values.low) + int(share * (int(values.high) - int(values.low) + 1))
    return _number(_between(values, share), kind, DIGITS)


def grid(axes: Sequence[Mapping[str, Any]], kind: Kinds) -> Iterator[dict[str, Any]]:
    """Every combination of the axes, the last moving quickest; settings of one axis move together."""
    each = [[dict(zip(axis, row)) for row in zip(*(listed(v, kind(path)) for path, v in axis.items()))] for axis in axes]
    for parts in itertools.product(*each):
        yield {path: value for part in parts for path, value in part.items()}


def draws(axes: Sequence[Mapping[str, Any]], kind: Kinds, seed: int) -> Iterator[dict[str, Any]]:
    """Combinations at random without end, the same for the same seed; settings of one axis lie at the same share."""
    chance = random.Random(seed)
    while True:
        shares = [chance.random() for _ in axes]
        yield {path: drawn(v, share, kind(path)) for share, axis in zip(shares, axes) for path, v in axis.items()}


def _between(values: Any, share: float) -> float:
    if values.scale == "log":
        return float(math.exp((1 - share) * math.log(values.low) + share * math.log(values.high)))
    return float((1 - share) * values.low + share * values.high)


def _number(value: float, kind: str, digits: int) -> Any:
    """A number as its setting has it: whole, or with so many significant digits."""
    return round(value) if kind == "integer" else float(f"{value:.{digits}g}")
