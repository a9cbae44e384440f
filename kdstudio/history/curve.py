"""A measured number over a stage, and what a plot needs of it: an x axis, smoothing, thinning that keeps the extremes."""

from __future__ import annotations

import math
from array import array
from typing import Literal

import numpy as np
from numpy.typing import NDArray

XAxis = Literal["step", "epoch", "time"]
Numbers = NDArray[np.float64]

POINTS = 1500
"""About how many points a plot draws of one curve: more cost a redraw its time and show nothing more."""


class Smooth:
    """An exponential moving average with bias correction; `weight` in [0, 1) is the share of the past that is kept.

    A value that is not finite is left out of the average and stays in its place, so that it is seen.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self._out = array("d")
        self._mean = self._mass = 0.0

    def through(self, values: array[float]) -> Numbers:
        """The average of a growing column: what was averaged before is not averaged again."""
        weight, mean, mass = self.weight, self._mean, self._mass
        for value in values[len(self._out) :]:
            if math.isfinite(value):
                mean = weight * mean + (1 - weight) * value
                mass = weight * mass + (1 - weight)
                self._out.append(mean / mass)
            else:
                self._out.append(value)
        self._mean, self._mass = mean, mass
        return np.array(self._out)


class Curve:
    """One number measured again and again in one stage: values over steps (from 0) and seconds of running time."""

    def __init__(self, steps_per_epoch: float = 0.0, began: float = 0.0) -> None:
        self.steps_per_epoch = steps_per_epoch
        self.began = began
        self._steps = array("d")
        self._epochs = array("d")
        self._clocks = array("d")
        self._values = array("d")
        self._smooth = Smooth(0.0)

    def __len__(self) -> int:
        return len(self._values)

    def add(self, step: int, epoch: float, clock: float, value: float) -> None:
        """Append a measurement; `clock` is the run's running time in seconds."""
        self._steps.append(step)
        self._epochs.append(step / self.steps_per_epoch if self.steps_per_epoch else epoch)
        self._clocks.append(clock - self.began)
        self._values.append(value)

    def cut(self, step: int) -> None:
        """Forget what was measured past `step`: an attempt that was resumed from there says it anew."""
        keep = int(np.searchsorted(np.array(self._steps), step, side="right"))
        for column in (self._steps, self._epochs, self._clocks, self._values):
            del column[keep:]
        self._smooth = Smooth(0.0)

    def x(self, axis: XAxis) -> Numbers:
        """Positions on the chosen axis: steps, epochs (a fraction within one) or seconds since the stage began."""
        return np.array({"step": self._steps, "epoch": self._epochs, "time": self._clocks}[axis])

    def y(self) -> Numbers:
        """The values, oldest first."""
        return np.array(self._values)

    def smoothed(self, weight: float) -> Numbers:
        """The values under an exponential moving average (see `Smooth`); only what is new is averaged."""
        if weight <= 0:
            return self.y()
        if self._smooth.weight != weight:
            self._smooth = Smooth(weight)
        return self._smooth.through(self._values)

    def last(self) -> float:
        """The newest value; NaN where nothing was measured."""
        return self._values[-1] if self._values else float("nan")


def thinned(x: Numbers, y: Numbers, points: int = POINTS) -> tuple[Numbers, Numbers]:
    """At most about `points` of the points, the smallest and largest of each stretch kept, so that the best epoch and
    every spike stay visible; the first and last points always stay."""
    n = len(y)
    if n <= points:
        return x, y
    width = -(-n // (points // 2))
    rows = -(-n // width)
    padded = np.full(rows * width, np.nan)
    padded[:n] = np.where(np.isfinite(y), y, np.nan)
    table = padded.reshape(rows, width)
    starts = np.arange(rows) * width
    low = starts + np.where(np.isnan(table), np.inf, table).argmin(axis=1)
    high = starts + np.where(np.isnan(table), -np.inf, table).argmax(axis=1)
    index = np.unique(np.concatenate(([0, n - 1], low, high)))
    return x[index], y[index]


def nearest(x: Numbers, at: float) -> int:
    """Index of the point nearest to `at` on a rising axis; -1 where there is none."""
    if not len(x):
        return -1
    right = int(np.searchsorted(x, at))
    if right == 0:
        return 0
    if right == len(x):
        return right - 1
    return right if x[right] - at < at - x[right - 1] else right - 1
