"""`kdstudio bench run`: how long the whole experiment takes, alone and beside a busy process."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from engine import session
from engine.control import Control
from engine.events import Event, RunEnded
from engine.presets import Resolved

SECONDS, TOP1 = 60, 97
"""What is asked of the default experiment: seconds, and accuracy in percent."""


def run(resolved: Resolved) -> Iterator[str]:
    """The whole experiment, alone and beside a process that keeps one core busy."""
    for title, beside in (("alone", False), ("beside a busy process", True)):
        busy = multiprocessing.get_context("spawn").Process(target=_spin, daemon=True) if beside else None
        if busy:
            busy.start()
        try:
            seconds, results = _whole(resolved)
        finally:
            if busy:
                busy.terminate()
                busy.join()
        top1 = results.get("top1", float("nan"))
        yield f"{title:22} {seconds:6.1f} s   top-1 {top1:.2f} %   (asked: {SECONDS} s, {TOP1} %)"


def _whole(resolved: Resolved) -> tuple[float, dict[str, float]]:
    ended: list[RunEnded] = []

    def keep(event: Event) -> None:
        if isinstance(event, RunEnded):
            ended.append(event)

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        session.run(resolved, keep, Control(), home=Path(folder))
        return time.perf_counter() - start, ended[-1].results


def _spin() -> None:
    """Keep one core busy until terminated."""
    while True:
        pass
