"""Other runs to compare one with: those of the same dataset in the same folder, looked for beside the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

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


class _Heard(QObject):
    """Carries what was found out of the thread that looked."""

    found = Signal(object)
    failed = Signal(str)


class _Look(QRunnable):
    """Does one thing beside the window's thread; what hears of it lives as long."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self._work, self.heard = work, _Heard()

    def run(self) -> None:
        """Do it, and hand over what came of it."""
        try:
            self.heard.found.emit(self._work())
        except (RunError, OSError) as error:
            self.heard.failed.emit(str(error))


def look_for(run: Path, dataset: str, found: Callable[[list[Baseline]], None], failed: Callable[[str], None]) -> None:
    """Find the other finished runs on a dataset beside a run, the newest first. `found` and `failed` are methods of a QObject,
    called in its thread as long as it is there."""
    _begin(lambda: of_dataset(run, dataset), found, failed)


def read_accuracy(run: Path, found: Callable[[ClassAccuracy], None], failed: Callable[[str], None]) -> None:
    """Read what a finished run reached in each class, in the same way."""
    _begin(lambda: class_accuracy(run), found, failed)


def _begin(work: Callable[[], Any], found: Callable[[Any], None], failed: Callable[[str], None]) -> None:
    look = _Look(work)
    look.heard.found.connect(found)
    look.heard.failed.connect(failed)
    QThreadPool.globalInstance().start(look)


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
