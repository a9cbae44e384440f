"""Where a run computes and how: device, precision, threads, compilation. `auto` is decided once and then stored."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import appdirs
import torch
from torch import nn

from engine.experiment import RunSettings

Module = TypeVar("Module", bound=nn.Module)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class DeviceError(ValueError):
    """A device or precision this machine does not have; the sentence says what it has."""


@dataclass(frozen=True)
class Resources:
    """Resolved once per run and stored with it, so that a resumed run computes as it began."""

    device: str
    precision: str
    compile: bool
    threads: int

    @property
    def torch_device(self) -> torch.device:
        """The device as torch names it."""
        return torch.device(self.device)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the nets' arithmetic."""
        return DTYPES[self.precision]

    def autocast(self) -> torch.autocast:
        """The context in which nets run forward; does nothing in float32."""
        kind = self.torch_device.type
        return torch.autocast(kind, self.dtype, enabled=self.precision != "float32")

    def place(self, module: Module) -> Module:
        """The module on the device, its maps channels-last, which both CPUs and GPUs convolve faster."""
        module.to(self.device)
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return module

    def as_json(self) -> dict[str, Any]:
        """Plain data for the run folder."""
        return asdict(self)


def resolve(settings: RunSettings, kind_of_net: str, trial: Callable[[], None]) -> Resources:
    """Settle every `auto`. `trial` runs one representative step and is timed where threads are to be measured.

    Raises DeviceError for a device this machine lacks.
    """
    device = find_device(settings.device)
    precision = find_precision(settings.precision, device)
    if isinstance(settings.threads, int):
        threads = settings.threads
    elif device.type != "cpu":
        threads = min(4, os.cpu_count() or 1)
    else:
        threads = measured_threads(kind_of_net, trial)
    torch.set_num_threads(threads)
    return Resources(str(device), precision, settings.compile == "on", threads)


def find_device(name: str) -> torch.device:
    """`auto` is the first CUDA device where there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"{name!r} is no device; use auto, cpu, cuda or cuda:1") from error
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(f"{name!r} is not supported; use auto, cpu, cuda or cuda:1")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"{name!r} is not here; this machine has {torch.cuda.device_count()} CUDA devices")
    return device


def find_precision(name: str, device: torch.device) -> str:
    """`auto` is bfloat16 where the device computes it in hardware, else float32."""
    if name == "float16" and device.type == "cpu":
        raise DeviceError("run.precision float16 needs a CUDA device; use float32 or bfloat16 on a CPU")
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    capability = torch.backends.cpu.get_cpu_capability()
    return "bfloat16" if "AMX" in capability else "float32"


def measured_threads(kind_of_net: str, trial: Callable[[], None]) -> int:
    """The quickest number of CPU threads for this kind of net, measured once on this machine and remembered."""
    cores = max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    key = f"{platform.node()}|{platform.processor() or platform.machine()}|{cores}|{torch.__version__}|{kind_of_net}"
    memory = Path(appdirs.user_cache_dir("kdstudio")) / "threads.json"
    known = _read(memory)
    if key not in known:
        with _threads_kept():
            known[key] = _quickest(cores, trial)
        _write(memory, known)
    return int(known[key])


def _quickest(cores: int, trial: Callable[[], None]) -> int:
    """One thread, unless more are at least a fifth faster: spare cores keep the window and the data quick."""
    candidates = sorted({1, 2, cores // 2, cores} - {0}) if cores > 1 else [1]
    seconds = {n: _time(n, trial) for n in candidates}
    best = min(seconds, key=lambda n: seconds[n])
    return best if seconds[best] < 0.8 * seconds[1] else 1


def _time(threads: int, trial: Callable[[], None], budget: float = 0.25) -> float:
    """Seconds of a step, the least of several within a time budget."""
    torch.set_num_threads(threads)
    trial()
    least, until = float("inf"), time.perf_counter() + budget
    while time.perf_counter() < until:
        start = time.perf_counter()
        trial()
        least = min(least, time.perf_counter() - start)
    return least


@contextmanager
def _threads_kept() -> Iterator[None]:
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _read(memory: Path) -> dict[str, int]:
    try:
        return dict(json.loads(memory.read_text()))
    except FileNotFoundError:
        return {}
    except (ValueError, OSError):
        memory.unlink(missing_ok=True)
        return {}


def _write(memory: Path, known: dict[str, int]) -> None:
    memory.parent.mkdir(parents=True, exist_ok=True)
    beside = memory.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(known, indent=1))
    beside.replace(memory)
