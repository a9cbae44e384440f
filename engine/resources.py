"""Where a run computes and how: device, precision, threads, compilation. `auto` is decided once and then stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import torch
from torch import nn

from engine.experiment import RunSettings
from engine.tuning import Work, settle

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


def resolve(settings: RunSettings, work: Work) -> Resources:
    """Settle every `auto`, where it must by measuring steps of `work`, and set torch's threads.

    Raises DeviceError for a device or precision this machine lacks.
    """
    device = find_device(settings.device)
    choice = settle(settings, find_precisions(settings.precision, device), device, work)
    torch.set_num_threads(choice.threads)
    return Resources(str(device), choice.precision, choice.compile, choice.threads)


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


def find_precisions(name: str, device: torch.device) -> tuple[str, ...]:
    """The precisions to choose from: the one asked for; for `auto` bfloat16 on a CUDA device that computes it in hardware,
    and on a CPU that does both, for small nets are quicker in float32."""
    if name == "float16" and device.type == "cpu":
        raise DeviceError("run.precision float16 needs a CUDA device; use float32 or bfloat16 on a CPU")
    if name != "auto":
        return (name,)
    if device.type == "cuda":
        return ("bfloat16",) if torch.cuda.is_bf16_supported(including_emulation=False) else ("float32",)
    return ("float32", "bfloat16") if _bfloat16_units() else ("float32",)


def _bfloat16_units() -> bool:
    """Whether the CPU multiplies bfloat16 in hardware (Intel's AMX or AVX-512 BF16; torch knows of no others)."""
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
