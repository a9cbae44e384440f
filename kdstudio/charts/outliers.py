"""The y range of a plot: of everything, or of what is left when outliers are not looked at."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from kdstudio.history.curve import Numbers

TAIL = 0.02
"""Of each curve, this share at either end may be outliers."""
ROOM = 0.5
"""Beyond the rest, so much of its own range still belongs to it."""


def span(curves: Iterable[Numbers], *, calm: bool) -> tuple[float, float]:
    """The least and the greatest value of curves (each (N,), whatever is not finite left out); `calm`: without outliers, which
    are the values of a curve further than half the range of its middle 96 % from that range. (0, 1) where there is nothing."""
    found = [_calm(finite) if calm else (finite.min(), finite.max()) for y in curves if len(finite := y[np.isfinite(y)])]
    if not found:
        return 0.0, 1.0
    return float(min(low for low, _ in found)), float(max(high for _, high in found))


def _calm(values: Numbers) -> tuple[float, float]:
    low, high = np.quantile(values, (TAIL, 1 - TAIL))
    room = ROOM * (high - low)
    kept = values[(values >= low - room) & (values <= high + room)]
    return (kept.min(), kept.max()) if len(kept) else (low, high)
