"""The curves of a run as arrays, kept beside the log so that comparing many runs need not read their logs again."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.events import Evaluated, Event, Measured, Step
from engine.runs.log import Log


class Column(NamedTuple):
    """One curve: its stage, and (N,) steps and values in the order they were reported."""

    stage: str
    steps: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]


def columns(log: Log, folder: Path) -> dict[str, Column]:
    """Every curve by `<stage>/<name>`; an evaluation's name is `<who>/<split>/top1`. The cache in `folder` is used when
    it was made from the log as it is now, else made anew, unless the disk may only be read."""
    cache = folder / "curves.npz"
    stamp = _stamp(log.path)
    found = _read(cache, stamp)
    if found is None:
        found = _gathered(log.of_kinds(Step, Measured, Evaluated))
        if os.access(folder.parent, os.W_OK):
            _write(cache, stamp, found)
    return found


def _stamp(path: Path) -> npt.NDArray[np.int64]:
    stat = path.stat() if path.is_file() else None
    return np.array([stat.st_size, stat.st_mtime_ns] if stat else [0, 0], dtype=np.int64)


def _gathered(events: Iterable[Event]) -> dict[str, Column]:
    points: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for stage, name, step, value in (point for event in events for point in _points(event)):
        points.setdefault((stage, name), []).append((step, value))
    return {
        f"{stage}/{name}": Column(
            stage, np.array([s for s, _ in found], dtype=np.int64), np.array([v for _, v in found], dtype=np.float64)
        )
        for (stage, name), found in points.items()
    }


def _points(event: Event) -> Iterator[tuple[str, str, int, float]]:
    if isinstance(event, (Step, Measured)):
        for name, value in event.values.items():
            yield event.stage, name, event.step, value
    elif isinstance(event, Evaluated):
        for name in ("top1", "top5", "loss"):
            yield event.stage, f"{event.who}/{event.split}/{name}", event.step, getattr(event, name)


def _read(cache: Path, stamp: npt.NDArray[np.int64]) -> dict[str, Column] | None:
    """The cached curves, or None where there is no cache, it is stale, or it was torn."""
    try:
        with cache.open("rb") as file, np.load(file, allow_pickle=False) as held:
            if not np.array_equal(held["stamp"], stamp):
                return None
            return {
                str(name): Column(str(stage), held[f"steps{i}"], held[f"values{i}"])
                for i, (name, stage) in enumerate(zip(held["names"], held["stages"], strict=True))
            }
    except (FileNotFoundError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _write(cache: Path, stamp: npt.NDArray[np.int64], found: dict[str, Column]) -> None:
    """Write the cache beside its place and rename it."""
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "stamp": stamp,
        "names": np.array(list(found), dtype=np.str_),
        "stages": np.array([c.stage for c in found.values()], dtype=np.str_),
    }
    for i, column in enumerate(found.values()):
        arrays |= {f"steps{i}": column.steps, f"values{i}": column.values}
    cache.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cache.parent, suffix=".part", delete=False) as beside:
        np.savez(beside, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    Path(beside.name).replace(cache)
