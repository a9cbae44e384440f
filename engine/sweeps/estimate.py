"""How long the rest of a sweep will take, from the runs that are done."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence


def seconds_left(spent: Mapping[str, Sequence[float]], left: Mapping[str, int]) -> float | None:
    """Seconds for the runs that are `left` of each entry, from the seconds `spent` on each finished run of an entry: the mean
    of the entry's own runs, else the mean over entries of such means. None before the first run has ended."""
    means = {entry: statistics.fmean(seconds) for entry, seconds in spent.items() if seconds}
    if not means:
        return None
    usual = statistics.fmean(means.values())
    return sum(count * means.get(entry, usual) for entry, count in left.items())


def in_words(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
