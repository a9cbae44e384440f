"""What a process that decodes does: wait for file names, fill a piece of shared memory with their pixels, say so."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from engine.decoding.images import DataError, decode


@dataclass(frozen=True)
class Errand:
    """Files to decode into the slot numbered `slot`, as images of `channels` x `side` x `side`."""

    ticket: int
    slot: int
    channels: int
    side: int
    paths: Sequence[str]


@dataclass(frozen=True)
class Done:
    """The answer to an errand; `problem` is a sentence, empty where all went well."""

    ticket: int
    problem: str = ""


def pixels(memory: Any, slot: int, slot_bytes: int, shape: tuple[int, int, int, int]) -> np.ndarray:
    """The images (n, C, side, side) uint8 that lie at the start of a slot of the shared memory."""
    size = int(np.prod(shape))
    return np.frombuffer(memory, np.uint8, size, slot * slot_bytes).reshape(shape)


def work(orders: Connection, memory: Any, slot_bytes: int) -> None:
    """Serve errands until the other end of the pipe closes, as it does when the run ends however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the run's to obey; then this pipe closes
    while True:
        try:
            errand: Errand = orders.recv()
        except (EOFError, OSError):
            return
        shape = (len(errand.paths), errand.channels, errand.side, errand.side)
        problem = ""
        try:
            decode(errand.paths, pixels(memory, errand.slot, slot_bytes, shape))
        except DataError as error:
            problem = str(error)
        except MemoryError:
            problem = f"there is no memory left to decode images such as {errand.paths[0]}; set fewer dataset.workers"
        try:
            orders.send(Done(errand.ticket, problem))
        except OSError:
            return
