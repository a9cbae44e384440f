"""How long an experiment will take, judged by runs that are done: seconds an epoch of those most like it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine import budget, runs
from engine.experiment import Experiment
from engine.presets import PresetError
from engine.runs import RunFolder

LOOKED_AT = 60
"""Newest runs that are read."""


@dataclass(frozen=True)
class Pace:
    """What a finished run took: seconds an epoch over the whole training set, and once. `likeness` says of what kind it was,
    the coarsest first."""

    likeness: tuple[Any, ...]
    epoch: float
    once: float


def paces(home: Path) -> tuple[Pace, ...]:
    """Of the newest finished runs under a folder; reads files, so not in a window's own thread."""
    found = (row for row in runs.listing(home) if row.state == "done")
    return tuple(made for row, _ in zip(found, range(LOOKED_AT)) if (made := _pace(row.path)) is not None)


def seconds(experiment: Experiment, known: Sequence[Pace]) -> float | None:
    """Seconds that one run of an experiment will take without training its teacher, which is kept for the next; None where
    nothing like it has run yet."""
    wanted = likeness(experiment)
    for depth in range(len(wanted), 1, -1):  # a run on the same images with the same student says something, less says nothing
        found = [p for p in known if p.likeness[:depth] == wanted[:depth]]
        if found:
            epochs = experiment.training.epochs * experiment.dataset.subset
            whole = statistics.fmean(p.epoch for p in found) * epochs + statistics.fmean(p.once for p in found)
            return budget.within(experiment.run, whole)
    return None


def likeness(experiment: Experiment) -> tuple[Any, ...]:
    """What decides how long an epoch takes, in the order in which it matters."""
    dataset, student, run = experiment.dataset, experiment.student, experiment.run
    return (
        (dataset.name, dataset.size),
        student.net,
        (student.quantize.weights, student.quantize.activations),
        experiment.teacher.net if experiment.methods else "none",
        tuple(sorted(experiment.methods)),
        (run.device, run.precision, run.threads),
        experiment.training.batch_size,
    )


@lru_cache(maxsize=1024)  # what is done changes no more
def _pace(path: Path) -> Pace | None:
    """The pace of a finished run; None where its files are of an older kind, or damaged."""
    try:
        folder = RunFolder.open(path)
        experiment, results = folder.experiment().experiment, folder.results()
    except (runs.RunError, PresetError, OSError):
        return None
    trained, epochs = results.get("seconds_distilling"), results.get("epochs")
    if not trained or not epochs:
        return None
    once = float(results["seconds"]) - float(results.get("seconds_teacher") or 0.0) - float(trained)
    return Pace(likeness(experiment), float(trained) / (float(epochs) * experiment.dataset.subset), max(0.0, once))
