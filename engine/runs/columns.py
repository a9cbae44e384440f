"""The curves of a run as arrays, kept beside the log so that comparing many runs need not read their logs again."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.events import Evaluated, Event, Measured, StageStarted, Step
from engine.runs.log import Log


class Column(NamedTuple):
    """One curve: its stage, (N,) steps and values in the order they were reported, (N,) seconds of running since the stage
    began, and how many steps an epoch has (0 where nobody said)."""

    stage: str
    steps: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    clocks: npt.NDArray[np.float64]
    per_epoch: float = 0.0


def columns(log: Log, folder: Path, only: Collection[str] | None = None) -> dict[str, Column]:
    """Every curve by `<stage>/<name>`, or only those named; an evaluation's name is `<who>/<split>/top1`. The cache in `folder`
    is used when it was made from the log as it is now, else made anew, unless the disk may only be read."""
    found = _fresh(log, folder, only)
    return found if only is None else {name: column for name, column in found.items() if name in only}


def names(log: Log, folder: Path) -> tuple[str, ...]:
    """The names of all curves; their numbers stay on disk."""
    cache = folder / "curves.npz"
    return _named(cache, _stamp(log.path)) or tuple(_fresh(log, folder, None))


def _fresh(log: Log, folder: Path, only: Collection[str] | None) -> dict[str, Column]:
    cache = folder / "curves.npz"
    stamp = _stamp(log.path)
    found = _read(cache, stamp, only)
    if found is None:
        found = _gathered(log.of_kinds(StageStarted, Step, Measured, Evaluated))
        if os.access(folder.parent, os.W_OK):
            _write(cache, stamp, found)
    return found


def _stamp(path: Path) -> npt.NDArray[np.int64]:
    stat = path.stat() if path.is_file() else None
    return np.array([stat.st_size, stat.st_mtime_ns] if stat else [0, 0], dtype=np.int64)


def _gathered(events: Iterable[Event]) -> dict[str, Column]:
    points: dict[tuple[str, str], list[tuple[int, float, float]]] = {}
    began, epochs, steps = dict[str, float](), dict[str, int](), dict[str, int]()
    for event in events:
        if isinstance(event, StageStarted):
            began.setdefault(event.stage, event.clock)
            epochs[event.stage] = event.epochs
        if isinstance(event, (StageStarted, Step)) and event.steps:  # a stage begins before its length is known
            steps[event.stage] = event.steps
        for stage, name, step, value in _points(event):
            points.setdefault((stage, name), []).append((step, value, event.clock))
    per_epoch = {stage: steps.get(stage, 0) / count for stage, count in epochs.items() if count}
    return {
        f"{stage}/{name}": _column(stage, found, began.get(stage, 0.0), per_epoch.get(stage, 0.0))
        for (stage, name), found in points.items()
    }


def _column(stage: str, points: list[tuple[int, float, float]], began: float, per_epoch: float) -> Column:
    steps, values, clocks = zip(*points, strict=True)
    seconds = np.array(clocks, dtype=np.float64) - began
    return Column(stage, np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64), seconds, per_epoch)


def _points(event: Event) -> Iterator[tuple[str, str, int, float]]:
    if isinstance(event, (Step, Measured)):
        for name, value in event.values.items():
            yield event.stage, name, event.step, value
    elif isinstance(event, Evaluated):
        for name in ("top1", "top5", "loss"):
            yield event.stage, f"{event.who}/{event.split}/{name}", event.step, getattr(event, name)


def _read(cache: Path, stamp: npt.NDArray[np.int64], only: Collection[str] | None) -> dict[str, Column] | None:
    """The cached curves, or None where there is no cache, it is stale, or it was torn."""
    try:
        with cache.open("rb") as file, np.load(file, allow_pickle=False) as held:
            if not np.array_equal(held["stamp"], stamp):
                return None
            facts = enumerate(zip(held["names"], held["stages"], held["per_epoch"], strict=True))
            return {
                str(name): Column(str(stage), held[f"steps{i}"], held[f"values{i}"], held[f"clocks{i}"], float(per_epoch))
                for i, (name, stage, per_epoch) in facts
                if only is None or name in only
            }
    except (FileNotFoundError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _named(cache: Path, stamp: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """The names in the cache; empty where there is none that can be used."""
    try:
        with cache.open("rb") as file, np.load(file, allow_pickle=False) as held:
            usable = np.array_equal(held["stamp"], stamp) and "per_epoch" in held
            return tuple(str(name) for name in held["names"]) if usable else ()
    except (FileNotFoundError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return ()


def _write(cache: Path, stamp: npt.NDArray[np.int64], found: dict[str, Column]) -> None:
    """Write the cache beside its place and rename it."""
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "stamp": stamp,
        "names": np.array(list(found), dtype=np.str_),
        "stages": np.array([c.stage for c in found.values()], dtype=np.str_),
        "per_epoch": np.array([c.per_epoch for c in found.values()], dtype=np.float64),
    }
    for i, column in enumerate(found.values()):
        arrays |= {f"steps{i}": column.steps, f"values{i}": column.values, f"clocks{i}": column.clocks}
    cache.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cache.parent, suffix=".part", delete=False) as beside:
        np.savez(beside, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    Path(beside.name).replace(cache)
