"""Matrices that runs recorded, beside each other, and their difference: soft labels, affinities, whatever a method watches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.comparison.sides import CompareError, Side
from engine.events import Watched
from engine.runs import RunFolder

Numbers = npt.NDArray[np.float64]


KINDS = ("matrix", "affinity")
"""Kinds of watches that are matrices; an affinity is one for each of several images."""


@dataclass(frozen=True)
class Kind:
    """What a matrix is about: its watch, its title, and the stage of the nets where there is one for each."""

    watch: str
    title: str
    part: str = ""


@dataclass(frozen=True)
class Matrix:
    """One record of a run: values (R, C) with the names of rows and columns (empty: numbers) and the epoch it stems from."""

    values: Numbers
    rows: list[str]
    columns: list[str]
    epoch: int


def kinds(sides: Sequence[Side]) -> list[Kind]:
    """Every matrix that at least one run recorded, those that most of them have first."""
    counts: dict[Kind, int] = {}
    for side in sides:
        titles = {w["name"]: w.get("title") for w in side.plan.get("watches", [])}
        order = [*titles, *side.watched]
        found = {(r.watch, _part(r)) for records in side.watched.values() for r in records if _is_matrix(r)}
        for watch, part in sorted(found, key=lambda key: (order.index(key[0]), key[1])):
            title = str(titles.get(watch) or watch.replace("_", " "))
            words = (title[:1].upper() + title[1:]) + (f" · {part}" if part else "")
            kind = next((k for k in counts if (k.watch, k.part) == (watch, part)), Kind(watch, words, part))
            counts[kind] = counts.get(kind, 0) + 1
    return sorted(counts, key=lambda kind: -counts[kind])


def epochs(sides: Sequence[Side], kind: Kind) -> list[int]:
    """The epochs at which at least one run recorded a matrix, rising."""
    return sorted({record.epoch for side in sides for record in _records(side, kind)})


def layers(sides: Sequence[Side], kind: Kind) -> int:
    """How many matrices one record holds: 1, or the images of a stack."""
    return max((_stacked(record) for side in sides for record in _records(side, kind)[-1:]), default=1)


def matrix(side: Side, kind: Kind, epoch: int | None = None, layer: int = 0) -> Matrix | None:
    """A run's record of an epoch, or the last before it (None: the last of all); None where it has none. Raises RunError where
    its file is missing."""
    records = [r for r in _records(side, kind) if epoch is None or r.epoch <= epoch]
    if not records or layer >= _stacked(records[-1]):
        return None
    record = records[-1]
    found = RunFolder.open(side.path).array(record).astype(np.float64).reshape(-1, *record.shape[-2:])[layer]
    return Matrix(found, _names(record, "rows", found.shape[0]), _names(record, "columns", found.shape[1]), record.epoch)


def distributions(sides: Sequence[Side]) -> list[Kind]:
    """Every distribution over named places that at least one run recorded, such as the accuracy of each class."""
    found: dict[str, Kind] = {}
    for side in sides:
        titles = {w["name"]: w.get("title") for w in side.plan.get("watches", [])}
        for watch, records in side.watched.items():
            if records[-1].kind == "distribution" and len(records[-1].shape) == 1 and "edges" not in records[-1].labels:
                title = str(titles.get(watch) or watch.replace("_", " "))
                found.setdefault(watch, Kind(watch, title[:1].upper() + title[1:]))
    return list(found.values())


def rows_of(sides: Sequence[Side], kind: Kind) -> tuple[list[Side], Matrix] | None:
    """The last record of a distribution of every run that has it as a row, beside those runs; None where none has. Runs whose
    places are not those of the first are left out."""
    last = [(side, side.watched[kind.watch][-1]) for side in sides if side.watched.get(kind.watch)]
    alike = [(side, r) for side, r in last if r.shape == last[0][1].shape and r.labels == last[0][1].labels]
    if not alike:
        return None
    values = np.array([RunFolder.open(side.path).array(record) for side, record in alike], dtype=np.float64)
    named = next((v for v in alike[0][1].labels.values() if len(v) == values.shape[1]), [])
    return [side for side, _ in alike], Matrix(
        values, [side.name for side, _ in alike], [str(n) for n in named], alike[0][1].epoch
    )


def _is_matrix(record: Watched) -> bool:
    return record.kind in KINDS and len(record.shape) >= 2


def _part(record: Watched) -> str:
    """The stage that a record is about: `f2`, or `f2 · f3` where the nets' differ."""
    return " · ".join(dict.fromkeys(str(name) for name in record.labels.get("stage", [])))


def _records(side: Side, kind: Kind) -> list[Watched]:
    return [r for r in side.watched.get(kind.watch, []) if _is_matrix(r) and _part(r) == kind.part]


def difference(ours: Matrix, theirs: Matrix) -> Matrix:
    """Ours minus theirs. Raises CompareError where they are not about the same rows and columns."""
    if ours.values.shape != theirs.values.shape:
        raise CompareError(f"{_size(ours)} and {_size(theirs)} entries: these matrices are not about the same things")
    if (ours.rows, ours.columns) != (theirs.rows, theirs.columns):
        raise CompareError("Rows and columns have other names: these matrices are not about the same things")
    return Matrix(ours.values - theirs.values, ours.rows, ours.columns, ours.epoch)


def _stacked(record: Watched) -> int:
    return int(np.prod(record.shape[:-2], dtype=np.int64))


def _size(matrix: Matrix) -> str:
    return " × ".join(map(str, matrix.values.shape))


def _names(record: Watched, axis: str, count: int) -> list[str]:
    """The names of rows or columns: their own, else those of the classes; empty where there are not as many."""
    found: list[Any] = record.labels.get(axis) or record.labels.get("classes") or []
    return [str(n) for n in found] if len(found) == count else []
