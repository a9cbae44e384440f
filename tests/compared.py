"""Runs made by hand that are worth comparing: two experiments on three seeds, with curves, matrices and results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from small_catalogue import CATALOGUE
from small_runs import ended, evaluated

from engine import presets
from engine.events import Measured, RunStarted, StageStarted, Step, Watched, WeightMoved
from engine.runs import RunFolder

PLAN: dict[str, Any] = {
    "terms": [{"name": "ce", "title": "labels"}, {"name": "kd.kl", "title": "soft labels", "scale": "log"}],
    "watches": [{"name": "soft_labels_student", "kind": "matrix", "title": "soft labels · student"}],
    "stages": [{"name": "distilling", "title": "distilling"}],
}
NAMES = {"rows": ["cat", "dog"], "columns": ["cat", "dog"]}


def pair(home: Path) -> list[Path]:
    """Labels alone on seeds 0, 1, 2 and KD on the same; KD gains 1.0, 1.2 and 1.1 points. Folders in that order."""
    found = []
    for name, tree, gains in (("labels", {"methods": {}}, (0.0, 0.0, 0.0)), ("kd", {"methods": {"kd": {}}}, (1.0, 1.2, 1.1))):
        for seed, gain in enumerate(gains):
            run = told(home, f"{name}-s{seed}", tree, seed, 90.0 + 0.5 * seed + gain, parameters=1000 if name == "kd" else 800)
            found.append(run.path)
    return found


def told(home: Path, name: str, tree: dict[str, Any], seed: int, top1: float, *, moved: bool = False, outcome: str = "done",
         points: int = 8, **results: Any) -> RunFolder:  # fmt: skip
    """A run that says what runs say: its title is the name before the seed."""
    tree = {"title": name.rpartition("-s")[0], **tree}
    resolved = presets.from_tree(tree, "a test", catalogue=CATALOGUE)
    run = RunFolder.create(home, resolved, name, catalogue=CATALOGUE)
    run.append(
        RunStarted(run=name, title=tree["title"], folder=str(run.path), seed=seed, group=name, plan=PLAN, at=100.0 + seed)
    )
    run.append(StageStarted(stage="distilling", title="distilling", epochs=points, clock=5.0))
    for n in range(1, points + 1):
        where = {"stage": "distilling", "step": 10 * n, "epoch": n, "clock": 5.0 + n}
        run.append(Step(steps=10 * points, values={"loss": 2.0 / n, "ce": 1.5 / n, "kd.kl": 0.5 / n}, **where))
        run.append(evaluated(top1 - points + n, epoch=n))
        run.append(Measured(values={"agreement": 80.0 + n}, **where))
    if moved:
        run.append(WeightMoved(term="kd.kl", before=0.9, after=0.1, stage="distilling", step=40, epoch=4))
    matrix = np.array([[0.9, 0.1], [0.2, 0.8]]) + 0.05 * seed * np.array([[-1, 1], [1, -1]])
    file, offset, shape, dtype = run.record("soft_labels_student", matrix)
    run.append(Watched(watch="soft_labels_student", kind="matrix", stage="distilling", step=10 * points, epoch=points,
                       file=file, offset=offset, shape=shape, dtype=dtype, labels=NAMES))  # fmt: skip
    file, offset, shape, dtype = run.record("class_accuracy", np.array([top1, top1 - 1.0]))
    run.append(Watched(watch="class_accuracy", kind="distribution", stage="distilling", step=10 * points, epoch=points,
                       file=file, offset=offset, shape=shape, dtype=dtype, labels={"classes": ["cat", "dog"]}))  # fmt: skip
    if outcome:
        numbers = {
            "top1": top1,
            "top1_last": top1 - 0.1,
            "parameters": 800,
            "bytes": 3200,
            "multiply_adds": 2_000_000,
            "seconds": 60.0,
        }
        run.append(ended(outcome, **(numbers | results if outcome == "done" else {})))
    return run


def sweep(home: Path, temperatures: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)) -> list[Path]:
    """KD on several temperatures: the higher, the better by one point each; two seeds of each."""
    return [
        told(
            home,
            f"kd-t{temperature:g}-s{seed}",
            {"methods": {"kd": {"temperature": temperature}}},
            seed,
            88.0 + n + 0.01 * seed,
        ).path
        for n, temperature in enumerate(temperatures)
        for seed in (0, 1)
    ]
