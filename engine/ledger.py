"""What each stage cost: seconds, images, peak memory and, where the device counts it, energy."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import torch

from engine.machine import Machine, gpu_handle

RAPL = Path("/sys/class/powercap/intel-rapl:0/energy_uj")


@dataclass
class Clock:
    """Seconds spent running; pauses and the time between two attempts are left out."""

    before: float = 0.0
    _since: float = field(default_factory=time.monotonic)
    _running: bool = True

    def seconds(self) -> float:
        """Seconds of running so far, those of earlier attempts included."""
        return self.before + (time.monotonic() - self._since if self._running else 0.0)

    def hold(self) -> None:
        """Stop counting."""
        self.before, self._running = self.seconds(), False

    def go(self) -> None:
        """Count again."""
        self._since, self._running = time.monotonic(), True


@dataclass
class Ledger:
    """The cost of the stage under way."""

    device: torch.device
    clock: Clock
    images: int = 0
    _began: float = 0.0
    _peak: int = 0
    _joules: float | None = None
    _counter: Callable[[], float] | None = None
    _before: Mapping[str, float | int | None] = field(default_factory=dict)
    _machine: Machine | None = None

    def begin(self, before: Mapping[str, float | int | None] | None = None) -> None:
        """A stage starts: every figure back to zero, or to what `figures` said when an earlier attempt was cut short."""
        self._before = before or {}
        self.images, self._peak, self._began = 0, 0, self.clock.seconds()
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        self._counter = self._counter or energy_counter(self.device)
        self._joules = self._counter() if self._counter else None

    def sample(self) -> None:
        """Look at the memory in use; called at every report."""
        if self.device.type == "cuda":
            self._peak = torch.cuda.max_memory_allocated(self.device)
        else:
            self._peak = max(self._peak, psutil.Process().memory_info().rss)

    def look(self) -> dict[str, float]:
        """What the machine does now, at a slow pace (see `Machine.look`); called at every report."""
        if self._machine is None:
            self._machine = Machine(self.device)
        return self._machine.look()

    def figures(self) -> dict[str, float | int | None]:
        """What the stage has cost so far: seconds, images, peak_memory (bytes; of the whole process on a CPU) and joules
        (None where nothing counts)."""
        self.sample()
        return {
            "seconds": (self._before.get("seconds") or 0.0) + self.clock.seconds() - self._began,
            "images": int(self._before.get("images") or 0) + self.images,
            "peak_memory": max(int(self._before.get("peak_memory") or 0), self._peak),
            "joules": self._energy(),
        }

    def _energy(self) -> float | None:
        if self._counter is None or self._joules is None:
            return None
        spent = self._counter() - self._joules
        return None if spent < 0 else spent + (self._before.get("joules") or 0.0)  # a counter that wrapped says nothing


def give_back() -> None:
    """Hand memory that was freed back to the kernel where the C library can (glibc), so that what a run adds to the process is
    the run's own and not hidden in what an earlier one left."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def energy_counter(device: torch.device) -> Callable[[], float] | None:
    """A function that reads the device's energy counter in joules; None where there is none that we may read."""
    if device.type == "cuda":
        return _nvml(device)
    try:
        RAPL.read_text()
    except OSError:
        return None
    return lambda: int(RAPL.read_text()) / 1e6


def _nvml(device: torch.device) -> Callable[[], float] | None:
    import pynvml

    handle = gpu_handle(device)
    if handle is None:
        return None
    try:
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError:
        return None
    return lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3
