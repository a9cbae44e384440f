"""Measurements: both sides of every ratio come from one run of the command. `kdstudio bench NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from engine.bench.affinity import affinity
from engine.bench.kmeans import kmeans
from engine.bench.step import step
from engine.bench.train import train
from engine.bench.whole import run
from engine.presets import Resolved

ALL: Mapping[str, Callable[[Resolved], Iterator[str]]] = {
    "step": step,
    "run": run,
    "train": train,
    "affinity": affinity,
    "kmeans": kmeans,
}
"""Name -> measure with an experiment, line by line."""
