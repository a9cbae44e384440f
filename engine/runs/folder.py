"""The folder of one run: its experiment, its log, its arrays. Self-contained: copied elsewhere, it opens there."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from engine.cards import Catalogue
from engine.events import Event, Watched
from engine.presets import Resolved
from engine.presets.writing import with_origins
from engine.runs.columns import Column, columns, names
from engine.runs.facts import facts
from engine.runs.lock import held, is_elsewhere, is_locked
from engine.runs.log import Log
from engine.runs.stored import stored
from engine.whole import write_whole

State = Literal["running", "interrupted", "done", "stopped", "failed"]


QUIET = 300.0
"""Seconds for which a run of another machine, whose lock cannot be seen from here, may say nothing and still count as alive."""


class RunError(ValueError):
    """A folder that is no run, or a run whose files are damaged."""


class RunFolder:
    """One run on disk. Any number of readers may hold it open; whoever writes holds its `lock()`."""

    def __init__(self, path: Path) -> None:
        """The run at `path`; use `create` or `open`."""
        self.path = path
        self._log = Log(path / "events.jsonl")

    @classmethod
    def create(cls, home: Path, resolved: Resolved, name: str, *, catalogue: Catalogue | None = None) -> RunFolder:
        """A new run under `home`, called `name`, or `name-2` and so on where that is taken."""
        text = with_origins(resolved.experiment, resolved.origins, catalogue=catalogue)
        path = _new_folder(home, name)
        for part in ("arrays", "columns", "checkpoints"):
            (path / part).mkdir()
        write_whole(path / "experiment.yaml", text.encode("utf-8"))
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing run. Raises RunError for a folder that is none."""
        if not (path / "experiment.yaml").is_file():
            raise RunError(f"{path} is not the folder of a run: it has no experiment.yaml")
        return cls(path)

    def lock(self) -> AbstractContextManager[None]:
        """Hold this run for writing. Raises LockedError while another process, or another part of this one, does."""
        return held(self.path / "lock")

    def append(self, event: Event) -> None:
        """Add one event to the log, on disk when this returns."""
        self._log.append(event)

    def events(self) -> list[Event]:
        """Everything the run said that still holds: no torn last line, nothing that a resume took back."""
        return self._log.events()

    def length(self) -> int:
        """Lines of the log so far; stored with a checkpoint, it becomes the `kept` of a RunResumed."""
        return self._log.length()

    def has_begun(self) -> bool:
        """Whether anything was ever said."""
        return self.length() > 0

    def state(self) -> State:
        """What became of the run; without a RunEnded, and with nobody at it, it was interrupted."""
        if is_locked(self.path / "lock"):
            return "running"
        ended = self._log.last_word()
        if ended:
            return ended.outcome
        return "running" if is_alive(self.path) else "interrupted"

    def results(self) -> dict[str, Any]:
        """What the last attempt reported at its end; empty where it has not ended."""
        ended = self._log.last_word()
        return dict(ended.results) if ended else {}

    def experiment(self) -> Resolved:
        """The experiment as it was started, every setting spelled out, with the origin of every value."""
        return stored(self.path / "experiment.yaml")

    def record(self, watch: str, array: npt.NDArray[Any]) -> tuple[str, int, tuple[int, ...], str]:
        """Append one array to its watch's file: (file, offset in bytes, shape, dtype), as Watched carries them. Bytes
        and truths are kept as uint8, everything else as float32."""
        dtype = "uint8" if array.dtype in (np.uint8, np.bool_) else "float32"
        name = quote(watch, safe="") + ".bin"
        with (self.path / "arrays" / name).open("ab") as file:
            offset = file.tell()
            file.write(np.ascontiguousarray(array, dtype=dtype).tobytes())
        return name, offset, tuple(int(n) for n in array.shape), dtype

    def watched(self, watch: str) -> list[Watched]:
        """Every record of one watch that still holds, in their order."""
        return [event for event in self._log.of_kinds(Watched) if isinstance(event, Watched) and event.watch == watch]

    def array(self, watched: Watched) -> npt.NDArray[Any]:
        """The array that a Watched speaks of. Raises RunError where its file is missing or too short."""
        path = self.path / "arrays" / Path(watched.file).name
        dtype, count = np.dtype(watched.dtype), int(np.prod(watched.shape, dtype=np.int64))
        if not path.is_file():
            raise RunError(f"{path} is missing: the run's arrays/ folder was not copied with it")
        found: npt.NDArray[Any] = np.fromfile(path, dtype=dtype, count=count, offset=watched.offset)
        if found.size < count:
            raise RunError(f"{path} ends before the record of {watched.watch} at step {watched.step}; the file is damaged")
        return found.reshape(watched.shape)

    def columns(self, only: Collection[str] | None = None) -> dict[str, Column]:
        """The curves of the run by `<stage>/<name>`, or only those named; from the cache where it is fresh, else the log."""
        return columns(self._log, self.path / "columns", only)

    def curves(self) -> tuple[str, ...]:
        """The names of the run's curves, without their numbers."""
        return names(self._log, self.path / "columns")

    def facts(self) -> list[Event]:
        """Everything the run said that still holds, but its numbers and its progress; from a file beside the log where that is
        fresh."""
        return facts(self._log, self.path / "columns")

    def log(self, text: str) -> None:
        """Add to `log.txt`, with the time."""
        with (self.path / "log.txt").open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text.rstrip()}\n")


def is_alive(path: Path) -> bool:
    """Whether somebody is at the run in a folder that has not ended: its lock is held or, where another machine held it last,
    the log was written a moment ago."""
    lock = path / "lock"
    if is_locked(lock):
        return True
    try:
        return is_elsewhere(lock) and time.time() - (path / "events.jsonl").stat().st_mtime < QUIET
    except FileNotFoundError:
        return False


def _new_folder(home: Path, name: str) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    for number in range(1, 10_000):
        path = home / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise RunError(f"{home} already holds {name} to {name}-9999; move some away")
