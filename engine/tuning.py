"""What `auto` comes to: precision, threads and compilation, measured once on this machine for a kind of net and remembered."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import appdirs
import torch

from engine.compiling import FAILED
from engine.experiment import RunSettings
from engine.whole import write_whole

Steps = Callable[[str, bool], Callable[[], None]]
"""(precision, compiled) -> a function that takes one step of nets like the run's."""

BUDGET = 0.25
"""Seconds for which each way of computing is timed."""
WORTH = 0.9
"""Another way of computing is chosen where a step takes at most this share of the time."""
MORE_THREADS = 0.8
"""The same for a further thread: spare cores keep the window and the data quick."""
PATIENCE = 600.0
"""Seconds that a run must still take before a minute is spent on finding out whether compiling pays."""


@dataclass(frozen=True)
class Work:
    """What is to be done: a name for this kind of net, how to take a step of it, and how many there will be."""

    kind: str
    step: Steps
    steps: int


@dataclass(frozen=True)
class Choice:
    """How to compute."""

    precision: str
    threads: int
    compile: bool


def settle(settings: RunSettings, precisions: tuple[str, ...], device: torch.device, work: Work) -> Choice:
    """Settle every `auto` by measuring; `precisions` are those to choose from (one: no choice). The number of torch's
    threads is what it was afterwards."""
    timed = Timed(device, work)
    with _threads_kept():
        usual = min(4, _cores()) if device.type != "cpu" else 1
        threads = settings.threads if isinstance(settings.threads, int) else usual
        precision = precisions[0]
        for other in precisions[1:]:
            if timed.seconds(other, threads) < WORTH * timed.seconds(precision, threads):
                precision = other
        if settings.threads == "auto" and device.type == "cpu":
            threads = _quickest(timed, precision)
        compiled = settings.compile == "on"
        if settings.compile == "auto":
            compiled = _pays(timed, precision, threads, work.steps)
    return Choice(precision, threads, compiled)


def _quickest(timed: Timed, precision: str) -> int:
    cores = _cores()
    alone = timed.seconds(precision, 1)
    more = {n: timed.seconds(precision, n) for n in sorted({2, cores // 2, cores}) if 1 < n <= cores}
    best = min(more, key=lambda n: more[n], default=1)
    return best if more and more[best] < MORE_THREADS * alone else 1


def _pays(timed: Timed, precision: str, threads: int, steps: int) -> bool:
    """Whether compiling saves more than it costs in a run of so many steps; not asked in a short one."""
    plain = timed.seconds(precision, threads)
    if plain * steps < PATIENCE:
        return False
    quick = timed.seconds(precision, threads, compiled=True)
    return quick < WORTH * plain and (plain - quick) * steps > timed.preparing(precision, threads)


class Timed:
    """Seconds a step takes in each way of computing, from the memory of this machine where it was measured before."""

    def __init__(self, device: torch.device, work: Work) -> None:
        self._device, self._work = device, work
        chip = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
        self._key = f"{platform.node()}|{chip}|{_cores()}|{torch.__version__}|{work.kind}"
        self._known = _read().get(self._key, {})

    def seconds(self, precision: str, threads: int, *, compiled: bool = False) -> float:
        """Seconds of one step; infinite where it cannot be compiled here."""
        name = f"{precision} {threads}{' compiled' if compiled else ''}"
        if name not in self._known:
            torch.set_num_threads(threads)
            first, least = self._measured(precision, compiled)
            self._known |= {name: least, f"{name} first": first}
            _write(self._key, self._known)
        return float(self._known[name])

    def preparing(self, precision: str, threads: int) -> float:
        """Seconds that compiling took when it was measured."""
        return float(self._known[f"{precision} {threads} compiled first"])

    def _measured(self, precision: str, compiled: bool) -> tuple[float, float]:
        """Seconds of the first step and the least of several within a budget."""
        step = self._work.step(precision, compiled)
        try:
            first = self._once(step)
        except FAILED:
            return float("inf"), float("inf")
        least, until = float("inf"), time.perf_counter() + BUDGET
        while time.perf_counter() < until:
            least = min(least, self._once(step))
        return first, least

    def _once(self, step: Callable[[], None]) -> float:
        start = time.perf_counter()
        step()
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter() - start


def _cores() -> int:
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


@contextmanager
def _threads_kept() -> Iterator[None]:
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def memory() -> Path:
    """The file of measurements."""
    return Path(appdirs.user_cache_dir("kdstudio", appauthor=False)) / "measured.json"


def _read() -> dict[str, dict[str, Any]]:
    """Everything measured on this machine; a torn file is measured anew."""
    try:
        return dict(json.loads(memory().read_text()))
    except FileNotFoundError:
        return {}
    except ValueError:
        memory().unlink(missing_ok=True)
        return {}


def _write(key: str, known: dict[str, Any]) -> None:
    write_whole(memory(), json.dumps(_read() | {key: known}, indent=1).encode("utf-8"))
