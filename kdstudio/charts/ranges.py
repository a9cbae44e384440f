"""Long curves as they are seen: the least and the greatest value of each stretch, at whatever range and zoom, quickly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


class Ranged:
    """One curve over a rising axis, with its minima and maxima over stretches of 2, 4, 8, ... points, made once: however far
    one zooms, as many stretches as pixels are looked up and nothing is reckoned anew."""

    def __init__(self, x: Numbers, y: Numbers) -> None:
        """(N,) rising places and values; what is not finite is a gap."""
        self.x, self.y = x, np.where(np.isfinite(y), y, np.nan)
        self._least, self._most = [self.y], [self.y]
        while len(self._least[-1]) > 2:
            self._least.append(_halved(self._least[-1], np.fmin))
            self._most.append(_halved(self._most[-1], np.fmax))

    def seen(self, low: float, high: float, stretches: int) -> tuple[Numbers, Numbers]:
        """The curve between two places and one point beyond each: every point where they are few, else the least and the
        greatest of at most about `stretches` stretches."""
        first = max(0, int(np.searchsorted(self.x, low, "left")) - 1)
        last = min(len(self.x), int(np.searchsorted(self.x, high, "right")) + 1)
        level = 0
        while (last - first) >> level > 2 * stretches:
            level += 1
        if not level:
            return self.x[first:last], self.y[first:last]
        level = min(level + 1, len(self._least) - 1)
        step = 1 << level
        start, stop = first >> level, -(-last // step)
        at = self.x[start * step : last : step]
        out_x, out_y = np.repeat(at, 2), np.empty(2 * len(at))
        out_y[0::2], out_y[1::2] = self._least[level][start:stop], self._most[level][start:stop]
        return out_x, out_y

    def ends(self) -> tuple[float, float]:
        """The least and the greatest value; NaN where there is none."""
        return (float(self._least[-1].min()), float(self._most[-1].max())) if len(self.y) else (np.nan, np.nan)


def _halved(values: Numbers, pick: np.ufunc) -> Numbers:
    """The least, or greatest, of every two values."""
    whole = len(values) // 2 * 2
    made: Numbers = pick(values[0:whole:2], values[1:whole:2])
    return np.append(made, values[-1]) if whole < len(values) else made
