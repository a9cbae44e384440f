"""Other runs to compare one with: those of the same dataset in the same folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import runs
from engine.runs import RunError, RunFolder

CLASS_ACCURACY = "class_accuracy"


class Baseline(NamedTuple):
    """A finished run: its folder and how it is called in a list."""

    path: Path
    words: str


class ClassAccuracy(NamedTuple):
    """Top-1 in percent of each class (C,) at the epoch that a run kept, and the names of the classes."""

    path: Path
    values: NDArray[np.float64]
    names: list[str]


def of_dataset(run: Path, dataset: str) -> list[Baseline]:
    """The other finished runs on a dataset in the folder of a run."""
    rows = runs.listing(run.parent)
    return [
        Baseline(row.path, _words(row.title or row.name, row.seed, row.top1_best))
        for row in rows
        if row.state == "done" and row.dataset == dataset and row.path.name != run.name
    ]


def _words(title: str, seed: int, top1: float | None) -> str:
    return f"{title} · seed {seed}" + ("" if top1 is None else f" · {top1:.2f} %")


def class_accuracy(run: Path) -> ClassAccuracy:
    """What a run reached in each class at the epoch whose student it kept, or that before it. Raises RunError for a run that
    measured no classes."""
    folder = RunFolder.open(run)
    records = folder.watched(CLASS_ACCURACY)
    if not records:
        raise RunError(f"{run.name} did not measure its classes one by one; choose a run made since kdstudio does")
    best = folder.results().get("best_epoch", records[-1].epoch)
    kept = [record for record in records if record.epoch <= best] or records
    values = folder.array(kept[-1]).astype(np.float64)
    return ClassAccuracy(run, values, [str(n) for n in kept[-1].labels.get("names", [])])
