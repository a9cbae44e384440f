"""The GPUs of this machine as torch numbers them, without torch: asked of the driver.

Torch numbers the quickest first unless `CUDA_DEVICE_ORDER` says otherwise; `ORDER` is set for every process that trains, so
that the driver's numbers are torch's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

ORDER = ("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
"""The variable that makes torch number GPUs as the driver does, and its value; read when torch loads."""

VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Accelerator:
    """One GPU: its name for `run.device`, what it is called, and its memory in bytes."""

    key: str
    title: str
    memory: int


def accelerators(environment: Mapping[str, str] | None = None) -> tuple[Accelerator, ...]:
    """The GPUs a run may use, in torch's order; none where no driver answers."""
    import pynvml

    try:
        pynvml.nvmlInit()
        found = [_described(pynvml.nvmlDeviceGetHandleByIndex(n)) for n in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return ()
    asked = (os.environ if environment is None else environment).get(VISIBLE)
    numbers = range(len(found)) if asked is None else visible(asked, [uuid for uuid, _, _ in found])
    return tuple(Accelerator(f"cuda:{n}", *found[i][1:]) for n, i in enumerate(numbers))


def visible(asked: str, uuids: list[str]) -> list[int]:
    """The numbers that a value of `CUDA_VISIBLE_DEVICES` leaves, in its order: numbers or beginnings of names, up to the first
    that is none."""
    left: list[int] = []
    for word in (part.strip() for part in asked.split(",")):
        match = [n for n, uuid in enumerate(uuids) if str(n) == word or (word.startswith("GPU-") and uuid.startswith(word))]
        if not match:
            break
        left.append(match[0])
    return left


def _described(handle: object) -> tuple[str, str, int]:
    import pynvml

    name, uuid = pynvml.nvmlDeviceGetName(handle), pynvml.nvmlDeviceGetUUID(handle)
    return _text(uuid), _text(name), int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
