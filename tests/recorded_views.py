"""What recorded runs say of single images and classes, as `engine.observing.picturing` does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Array, Random = np.ndarray[Any, Any], np.random.Generator
Said = tuple[str, str, Array, dict[str, Any]]
"""Watch, kind, values, labels."""

COLUMNS = [f"{who} {what} {rank}" for who in ("student", "teacher") for what in ("class", "share") for rank in (1, 2, 3)] + [
    "student label", "teacher label", "difference"
]  # fmt: skip
PLACES = 4
"""Places a side between which affinities are recorded."""

STUDENT: tuple[tuple[str, str, str], ...] = (
    ("confusion", "matrix", "confusion · student"),
    ("class_accuracy", "distribution", "accuracy per class"),
    ("samples", "images", "samples"),
    ("outputs", "outputs", "outputs"),
)
TEACHER: tuple[tuple[str, str, str], ...] = (
    ("confusion_teacher", "matrix", "confusion · teacher"),
    ("agreement_matrix", "matrix", "agreement · student against teacher"),
    ("class_accuracy_teacher", "distribution", "accuracy per class · teacher"),
    ("affinity_student", "affinity", "affinity · student"),
    ("affinity_teacher", "affinity", "affinity · teacher"),
)


def of_teacher(names: list[str], rng: Random) -> Iterator[Said]:
    """What is said of the teacher when it is there."""
    yield "class_accuracy_teacher", "distribution", 90 + 10 * rng.random(len(names)), {"names": names}
    yield "confusion_teacher", "matrix", confusion(len(names), 0.97, rng), {"classes": names}


def of_student(names: list[str], done: float, teacher: bool, first: bool, fixed: Any, rng: Random) -> Iterator[Said]:
    """What an evaluation says."""
    pictures, truth = fixed
    yield "class_accuracy", "distribution", 95 * done + 5 * rng.random(len(names)), {"names": names}
    yield "confusion", "matrix", confusion(len(names), 0.1 + 0.85 * done, rng), {"classes": names}
    if first:
        yield "samples", "images", pictures, {"label": [names[t] for t in truth], "classes": names}
    yield "outputs", "outputs", outputs(len(names), truth, done, teacher, rng), {"columns": COLUMNS}
    if not teacher:
        return
    yield "agreement_matrix", "matrix", confusion(len(names), 0.1 + 0.87 * done, rng), {"classes": names}
    for number, stage in enumerate(("f1", "f2")):
        labels = {"stage": [stage, stage], "places": [PLACES, PLACES]}
        taught = affinities(len(pictures), np.random.default_rng(number))
        if first:
            yield "affinity_teacher", "affinity", taught, labels
        yield "affinity_student", "affinity", done * taught + (1 - done) * affinities(len(pictures), rng), labels


def confusion(classes: int, right: float, rng: Random) -> Array:
    """Rows that sum to one with about `right` on the diagonal."""
    beside = rng.random((classes, classes)) ** 6
    np.fill_diagonal(beside, 0)
    beside *= (1 - right) / beside.sum(1, keepdims=True)
    return np.asarray(beside + right * np.eye(classes))


def outputs(classes: int, truth: Array, done: float, teacher: bool, rng: Random) -> Array:
    """One row a sample, as `engine.observing.samples.outputs` makes it."""
    made = np.full((len(truth), len(COLUMNS)), np.nan)
    shares = []
    for k, sure in enumerate((6 * done, 6.0) if teacher else (6 * done,)):
        z = rng.standard_normal((len(truth), classes)) + sure * np.eye(classes)[truth]
        p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        order = np.argsort(-p, axis=1)[:, :3]
        made[:, 6 * k : 6 * k + 3] = order
        made[:, 6 * k + 3 : 6 * k + 6] = np.take_along_axis(p, order, axis=1)
        made[:, 12 + k] = p[np.arange(len(truth)), truth]
        shares.append(p)
    if teacher:
        made[:, 14] = 0.5 * np.abs(shares[0] - shares[1]).sum(1)
    return made


def affinities(images: int, rng: Random) -> Array:
    """(N, P, P) cosines between places."""
    f = rng.standard_normal((min(images, 8), PLACES**2, 3)) + 0.5
    unit = f / np.linalg.norm(f, axis=2, keepdims=True)
    return np.asarray(unit @ unit.transpose(0, 2, 1))
