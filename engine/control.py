"""The levers of a running experiment: pause, resume, stop, save now, and the weights of its terms. Any thread may pull them."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable


class Stopped(Exception):  # noqa: N818  (a stop is asked for, it is no error)
    """Raised between two steps when a stop was asked for."""


class Control:
    """Pulled by a window or a signal handler; the run obeys between steps, in every stage."""

    def __init__(self) -> None:
        self._go = threading.Event()
        self._go.set()
        self._stop = threading.Event()
        self._save = threading.Event()
        self._moved = threading.Event()
        self._mutex = threading.Lock()
        self._moves: dict[str, float] = {}

    def pause(self) -> None:
        """Wait before the next step, keeping everything in memory."""
        self._go.clear()

    def resume(self) -> None:
        """Go on after a pause."""
        self._go.set()

    def stop(self) -> None:
        """End after the present step, leaving a checkpoint."""
        self._stop.set()
        self._go.set()

    def save(self) -> None:
        """Write a checkpoint after the present step."""
        self._save.set()

    def move(self, term: str, weight: float) -> None:
        """Give a term (`ce` or `<method>.<term>`) another weight from the next step of distilling on; of several moves between
        two steps the last counts. Raises ValueError for a weight that none can be."""
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"{weight} cannot be the weight of {term}; use a number from 0 on")
        with self._mutex:
            self._moves[term] = weight
            self._moved.set()

    @property
    def moving(self) -> bool:
        """Whether a weight was moved and not taken yet."""
        return self._moved.is_set()

    def moves(self) -> dict[str, float]:
        """Take what was moved since the last time: term -> weight."""
        with self._mutex:
            taken, self._moves = self._moves, {}
            self._moved.clear()
        return taken

    @property
    def calm(self) -> bool:
        """Whether nothing was asked for: the one question of the hot path."""
        return self._go.is_set() and not self._save.is_set() and not self._stop.is_set()

    def stopping(self) -> bool:
        """Whether a stop was asked for: what work without steps, such as a download, looks at."""
        return self._stop.is_set()

    def obey(self, *, save: Callable[[], None], waiting: Callable[[], None], going: Callable[[], None]) -> None:
        """Do what was asked for since the last step; raises `Stopped` when that is to stop."""
        if self._save.is_set():
            self._save.clear()
            save()
        if not self._go.is_set() and not self._stop.is_set():
            waiting()
            self._go.wait()
            going()
        if self._stop.is_set():
            raise Stopped
