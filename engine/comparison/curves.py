"""The curves of several runs on one picture: which there are, what they are drawn over, smoothed, and gathered over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine.comparison.sides import Side
from engine.runs import Column, RunFolder

Numbers = npt.NDArray[np.float64]
Over = Literal["step", "epoch", "time"]

MAIN = "distilling"
"""The stage of which a plot need not say that it is meant."""
BLOCK = 128
"""Values that are averaged in one matrix product."""


@dataclass(frozen=True)
class Overlay:
    """One number that at least one run measured more than once: `key` is `<stage>/<name>`."""

    key: str
    title: str
    unit: str = ""
    help: str = ""
    log: bool = False


FIRST = (
    "student/test/top1", "student/held-out/top1", "loss", "train_top1", "ce", "agreement", "kl_to_teacher",
    "student/test/loss", "ece_student", "entropy_student", "logit_correlation", "learning_rate", "images_per_second",
)  # fmt: skip
"""What most comparisons look at, in this order; what methods declare comes after the losses."""

KNOWN = {
    "loss": ("Loss", "per image", "What is minimized: the weighted sum of all terms"),
    "ce": ("Labels", "per image", "Cross-entropy with the labels"),
    "train_top1": ("Accuracy while training", "top-1, %", "On augmented training images"),
    "agreement": ("Agreement with the teacher", "%", "Images for which both name one class"),
    "kl_to_teacher": ("Divergence from the teacher", "nats", "KL of the student from the teacher, per image"),
    "ece_student": ("Calibration error", "ECE", "Gap between the student's confidence and its accuracy"),
    "entropy_student": ("Entropy of the student's soft labels", "share of ln C", "1 is uniform"),
    "logit_correlation": ("Correlation of logits", "", "Between student and teacher, 1 is equal up to scale"),
    "snr_student": ("Signal to noise", "dB", "Of the student's pooled features over augmentations"),
    "learning_rate": ("Learning rate", "", "Of the last step"),
    "images_per_second": ("Speed", "images/s", "Training images a second, without evaluations and pauses"),
}
PREFIXES = {
    "affinity_error/": "Affinity error", "cka/": "Likeness of features (CKA)", "share/": "Share of the gradient",
    "gradient/": "Gradient", "cosine/": "Agreement with the other terms", "snr/": "Signal to noise", "weighted/": "Weighted",
}  # fmt: skip
QUIET = ("weighted/", "nonfinite/", "gradient/", "cosine/")
"""Last in the order: numbers that few look for."""


def names(sides: Sequence[Side]) -> list[tuple[str, ...]]:
    """The curves of each run."""
    return [RunFolder.open(side.path).curves() for side in sides]


def overlays(sides: Sequence[Side], each: Sequence[Sequence[str]]) -> list[Overlay]:
    """A plot for each number that runs have, those most looked at first."""
    keys = list(dict.fromkeys(key for found in each for key in found))
    declared = _declared([side.plan for side in sides])
    titles = {s["name"]: s.get("title") or s["name"] for side in sides for s in side.plan.get("stages", [])}
    stages = [s for s in dict.fromkeys(key.partition("/")[0] for key in keys) if s != MAIN]
    order = {stage: n for n, stage in enumerate((MAIN, *stages))}
    keys.sort(key=lambda key: (order[key.partition("/")[0]], _rank(key.partition("/")[2], declared)))
    return [_overlay(key, declared, titles) for key in keys]


def _declared(plans: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Terms and curve watches by name, as the runs announced them."""
    return {d["name"]: d for plan in plans for d in (*plan.get("terms", []), *plan.get("watches", []))}


def _rank(name: str, declared: Mapping[str, Any]) -> float:
    if name in FIRST:
        return FIRST.index(name)
    if name.startswith(QUIET):
        return 100
    return 4.5 if name in declared else 50


def _overlay(key: str, declared: Mapping[str, dict[str, Any]], titles: Mapping[str, str]) -> Overlay:
    stage, _, name = key.partition("/")
    title, unit, help, log = _described(name, declared)
    where = "" if stage == MAIN else f"{titles.get(stage, stage)}: "
    said = title if where else title[:1].upper() + title[1:]
    return Overlay(key, (where[:1].upper() + where[1:]) + said, unit, help, log)


def _described(name: str, declared: Mapping[str, dict[str, Any]]) -> tuple[str, str, str, bool]:
    if name in KNOWN:
        return *KNOWN[name], False
    found = declared.get(name)
    if found is not None:
        method = name.rpartition(".")[0]
        title = str(found.get("title") or name).replace("_", " ")
        return (
            f"{method} · {title}".lstrip(" ·"),
            str(found.get("unit", "")),
            found.get("help", ""),
            found.get("scale") == "log",
        )
    who, _, rest = name.partition("/")
    split, _, kind = rest.rpartition("/")
    if kind in ("top1", "top5", "loss") and who in ("student", "teacher", "student_ema"):
        what = {"top1": "Accuracy", "top5": "Top-5 accuracy", "loss": "Loss"}[kind]
        whose = "" if who == "student" else f" of the {who.replace('_ema', ', averaged')}"
        return f"{what} on {split} images{whose}", {"loss": "per image"}.get(kind, "%"), "Measured at every evaluation", False
    prefix = next((p for p in PREFIXES if name.startswith(p)), "")
    rest = name.removeprefix(prefix).replace("_", " ")
    return f"{PREFIXES[prefix]} · {rest}" if prefix else rest, "", "", False


def read(side: Side, keys: Sequence[str]) -> dict[str, Column]:
    """The curves of a run by their keys, those that it has."""
    return RunFolder.open(side.path).columns(frozenset(keys))


def positions(column: Column, over: Over) -> Numbers:
    """(N,) places on the chosen axis: steps, epochs (steps where nobody said how long one is), seconds of its stage."""
    if over == "time":
        return column.clocks
    steps = column.steps.astype(np.float64)
    return steps / column.per_epoch if over == "epoch" and column.per_epoch else steps


def averaged(values: Numbers, weight: float) -> Numbers:
    """(N,) the exponential moving average with bias correction; `weight` in [0, 1) is the share of the past that is kept. A
    value that is not finite is left out and stays in its place.

    The recursion m = w m + (1 - w) v is done a block at a time: within it by a triangular matrix, from block to block by hand.
    """
    if weight <= 0:
        return values
    finite = np.isfinite(values)
    known = values[finite]
    mean, mass = _recursion(known, weight), _recursion(np.ones_like(known), weight)
    out = values.copy()
    out[finite] = mean / mass
    return out


def _recursion(values: Numbers, weight: float) -> Numbers:
    blocks = -(-len(values) // BLOCK)
    table = np.zeros((blocks, BLOCK))
    table.flat[: len(values)] = values
    back = np.arange(BLOCK)[:, None] - np.arange(BLOCK)[None, :]
    inside = np.where(back >= 0, (1 - weight) * weight ** np.maximum(back, 0), 0.0)
    own = table @ inside.T
    fading = weight ** np.arange(1, BLOCK + 1)
    carried, before = 0.0, np.zeros(blocks)
    for n, last in enumerate(own[:, -1].tolist()):
        before[n] = carried
        carried = last + fading[-1] * carried
    return (own + before[:, None] * fading).ravel()[: len(values)]


@dataclass(frozen=True)
class Band:
    """What several seeds agree on: (N,) places, mean, and sample standard deviation (n - 1)."""

    x: Numbers
    mean: Numbers
    deviation: Numbers
    count: int


def gathered(curves: Sequence[tuple[Numbers, Numbers]]) -> Band:
    """Mean and deviation of curves (x, y) at the places of the one with most points, as far as all of them reach; the others
    are read off between their points."""
    base = max((x for x, _ in curves), key=len)
    low, high = max(float(x[0]) for x, _ in curves), min(float(x[-1]) for x, _ in curves)
    at = base[(base >= low) & (base <= high)]
    table = np.array([np.interp(at, x, y) for x, y in curves])
    deviation = table.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(len(at))
    return Band(at, table.mean(axis=0), deviation, len(curves))


@dataclass(frozen=True)
class Summary:
    """A curve in numbers: its last, smallest and largest value, and the steps of the latter two."""

    last: float
    least: float
    least_at: int
    most: float
    most_at: int


def summary(column: Column) -> Summary | None:
    """None where nothing finite was measured."""
    if not np.isfinite(column.values).any():
        return None
    low, high = int(np.nanargmin(column.values)), int(np.nanargmax(column.values))
    return Summary(
        float(column.values[-1]), float(column.values[low]), int(column.steps[low]), float(column.values[high]),
        int(column.steps[high]),
    )  # fmt: skip
