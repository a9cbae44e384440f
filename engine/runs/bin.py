"""The bin of a folder of runs: what is deleted lies there, whole, until it is put back or the bin is emptied."""

from __future__ import annotations

import itertools
import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine import lineage
from engine.runs import disk
from engine.runs.folder import RunError
from engine.runs.lock import is_locked

FOLDER = ".bin"
TICKET = "binned.json"
"""Beside a run in the bin: where it came from, and when."""


@dataclass(frozen=True)
class Binned:
    """A run in the bin: its `name` in the table, the folder in which it lies, since when (unix time), and its bytes."""

    name: str
    path: Path
    at: float
    size: int


def put(home: Path, paths: Iterable[Path]) -> list[Binned]:
    """Move runs under `home` into the bin. Raises RunError, before anything is moved, for a run that goes on."""
    wanted = list(paths)
    for path in wanted:
        if is_locked(path / "lock"):
            raise RunError(f"{path.name} is running; stop it before you delete it")
    return [_put(home, path) for path in wanted]


def restore(home: Path, binned: Iterable[Binned]) -> list[Path]:
    """Put runs back where they were. Raises RunError where another run has the name by now."""
    back = list[Path]()
    for each in binned:
        path = home / each.name
        if path.exists():
            raise RunError(f"{path} is there again; move it away, and put {each.name} back then")
        try:
            each.path.rename(path)
            (path / TICKET).unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{each.name} cannot be put back ({error.strerror}); it lies in {each.path}") from error
        back.append(path)
    return back


def contents(home: Path) -> list[Binned]:
    """What lies in the bin, newest first."""
    place = home / FOLDER
    found = [_binned(path) for path in place.iterdir() if path.is_dir()] if place.is_dir() else []
    return sorted(found, key=lambda each: -each.at)


def empty(binned: Iterable[Binned]) -> int:
    """Delete runs in the bin for good; gives the bytes that are free now. Raises RunError where one cannot be deleted."""
    freed = 0
    for each in binned:
        try:
            shutil.rmtree(each.path)
        except OSError as error:
            raise RunError(f"{each.path} cannot be deleted ({error.strerror}); delete it by hand") from error
        freed += each.size
    return freed


def dependents(home: Path, paths: Iterable[Path]) -> dict[str, tuple[str, ...]]:
    """Which of some runs are needed by others that are not among them, as teacher or as start: name -> their names."""
    gone = {path.resolve() for path in paths}
    found: dict[str, list[str]] = {}
    for child in home.iterdir() if home.is_dir() else ():
        if child.resolve() in gone or not (child / "experiment.yaml").is_file():
            continue
        for parent in lineage.parents(child, home):
            if parent.resolve() in gone:
                found.setdefault(parent.name, []).append(child.name)
    return {name: tuple(sorted(children)) for name, children in found.items()}


def _put(home: Path, path: Path) -> Binned:
    try:
        place = _free(home / FOLDER, path.name)
        (path / TICKET).write_text(json.dumps({"name": path.name, "at": time.time()}), encoding="utf-8")
        path.rename(place)
    except OSError as error:
        raise RunError(f"{path} cannot be moved into the bin ({error.strerror}); let its folder be written") from error
    return _binned(place)


def _free(place: Path, name: str) -> Path:
    place.mkdir(exist_ok=True)
    names = (name if n == 1 else f"{name}-{n}" for n in itertools.count(1))
    return next(place / n for n in names if not (place / n).exists())


def _binned(path: Path) -> Binned:
    try:
        said = json.loads((path / TICKET).read_text(encoding="utf-8"))
        name, at = str(said["name"]), float(said["at"])
    except (OSError, ValueError, KeyError, TypeError):  # put there by hand
        name, at = path.name, path.stat().st_mtime
    return Binned(name, path, at, disk.size(path))
