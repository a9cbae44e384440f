"""Processes that decode image files ahead of whoever looks at them."""

from __future__ import annotations

import multiprocessing
import os
import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.sharedctypes import RawArray
from typing import Any

import numpy as np

from engine.decoding.images import DataError
from engine.decoding.worker import Done, Errand, pixels, work

START = "spawn" if sys.platform == "win32" else "forkserver"
"""How processes begin: never as a copy of the run, which has threads and a device."""
PIECE = 16
"""Images of one errand: small, so that one batch is decoded by several processes at once."""
MEMORY = 96 << 20
"""Bytes of shared memory in which images wait, unless images are so large that it takes more for all to work."""
SLOTS = 128
"""Pieces that wait at most, so that small images do not fill the memory only because they can."""
MOST = 16
"""Processes at most, unless asked for more."""


def usual_workers(busy: int) -> int:
    """How many processes `auto` starts: one a core, with `busy` cores left to others."""
    return max(1, min((os.cpu_count() or 1) - busy, MOST))


@dataclass
class _Batch:
    """A batch under way: its place, how many of its pieces have not come back, how many images were asked for, and what
    went wrong."""

    into: np.ndarray
    missing: int
    asked: int = 0
    problem: str = ""


@dataclass(frozen=True)
class _Piece:
    """Some files of a batch, and where in it their images belong."""

    batch: _Batch
    first: int
    paths: Sequence[str]


class Crew:
    """Processes that decode, started on first use and gone after `close`, or when nobody holds the crew any more.

    They are never forked from the run, which has threads and a device: a small server forks them (Linux, macOS), or they
    are spawned (Windows). What is decoded waits in shared memory; names go one way and answers the other.
    """

    def __init__(self, workers: int, channels: int, side: int) -> None:
        self.workers, self.channels, self.side = workers, channels, side
        self._slot_bytes = PIECE * channels * side * side
        self._slots = max(2 * workers + 1, min(MEMORY // self._slot_bytes, SLOTS))
        self._free = deque(range(self._slots))
        self._memory: Any = None
        self._pipes: list[Connection] = []
        self._load: dict[Connection, int] = {}
        self._out: dict[int, tuple[Connection, int, _Piece]] = {}
        self._ticket = 0
        self._end: Callable[[], Any] = lambda: None

    def batches(self, wanted: Iterable[Sequence[str]], make: Callable[[int], np.ndarray]) -> Iterator[np.ndarray]:
        """The images of each list of files in turn, (n, C, side, side) uint8 in what `make(n)` gives, decoded ahead as far
        as the shared memory reaches. Several of these may be under way at once. Raises DataError with the file when its
        batch is reached, or when a process died."""
        self._start()
        ahead: deque[_Batch] = deque()
        pieces = _cut(wanted, make, ahead)
        following = next(pieces, None)
        while ahead:
            batch = ahead[0]
            self._receive(0)
            while True:
                while following and self._free and (following.batch is batch or self._room(ahead)):
                    self._send(following)
                    following = next(pieces, None)
                if not batch.missing:
                    break
                self._receive(None)
            if batch.problem:
                raise DataError(batch.problem)
            ahead.popleft()
            yield batch.into

    def _room(self, ahead: Iterable[_Batch]) -> bool:
        """Whether what was asked for and not looked at is less than the shared memory holds."""
        return sum(batch.asked for batch in ahead) < self._slots * PIECE

    def close(self) -> None:
        """End the processes; the crew can be used again, and then starts new ones."""
        self._end()
        self._pipes, self._load, self._out, self._memory = [], {}, {}, None
        self._free = deque(range(self._slots))

    def _start(self) -> None:
        if self._pipes:
            return
        context: Any = multiprocessing.get_context(START)
        if START == "forkserver":
            context.set_forkserver_preload(["engine.decoding.worker"])
        self._memory = RawArray("B", self._slots * self._slot_bytes)
        processes = []
        for number in range(self.workers):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=work, args=(theirs, self._memory, self._slot_bytes), daemon=True, name=f"kdstudio decoding {number}"
            )
            process.start()
            theirs.close()
            processes.append(process)
            self._pipes.append(ours)
        self._load = dict.fromkeys(self._pipes, 0)
        self._end = weakref.finalize(self, _ended, processes, self._pipes)

    def _send(self, piece: _Piece) -> None:
        self._ticket += 1
        pipe, slot = min(self._pipes, key=self._load.__getitem__), self._free.popleft()
        try:
            pipe.send(Errand(self._ticket, slot, self.channels, self.side, piece.paths))
        except OSError as error:
            raise self._lost() from error
        self._load[pipe] += 1
        piece.batch.asked += len(piece.paths)
        self._out[self._ticket] = pipe, slot, piece

    def _receive(self, seconds: float | None) -> None:
        """Take in an answer of every process that has one, waiting so long for the first (None: as long as it takes)."""
        for pipe in wait(self._pipes, seconds):
            assert isinstance(pipe, Connection)
            try:
                done: Done = pipe.recv()
            except (EOFError, OSError) as error:
                raise self._lost() from error
            self._take_in(done)

    def _take_in(self, done: Done) -> None:
        pipe, slot, piece = self._out.pop(done.ticket)
        batch, count = piece.batch, len(piece.paths)
        if done.problem:
            batch.problem = batch.problem or done.problem
        else:
            shape = (count, self.channels, self.side, self.side)
            batch.into[piece.first : piece.first + count] = pixels(self._memory, slot, self._slot_bytes, shape)
        batch.missing -= 1
        self._load[pipe] -= 1
        self._free.append(slot)

    def _lost(self) -> DataError:
        self.close()
        return DataError(
            "a process that decodes images ended by itself, perhaps for want of memory; set fewer dataset.workers and resume"
        )


def _cut(
    wanted: Iterable[Sequence[str]], make: Callable[[int], np.ndarray], ahead: deque[_Batch]
) -> Iterator[_Piece]:  # fmt: skip
    """The pieces of all batches in turn; a batch joins `ahead` with its first piece."""
    for paths in wanted:
        batch = _Batch(make(len(paths)), -(-len(paths) // PIECE))
        ahead.append(batch)
        for first in range(0, len(paths), PIECE):
            yield _Piece(batch, first, paths[first : first + PIECE])


def _ended(processes: Sequence[Any], pipes: Sequence[Connection]) -> None:
    """End the processes, which hold nothing but pixels, without waiting for what they were asked."""
    for pipe in pipes:
        pipe.close()
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(1.0)
