"""How the nets of a run are run forward: compiled or not, the teacher as a quick copy whose answers may be remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from torch import Tensor

from engine.compiling import afresh, compiled
from engine.folding import folded
from engine.memo import Memo
from engine.nets.net import Net
from engine.resources import Resources

SHARE = 0.25
"""Of the free memory, a memo takes so much at most where `run.memo` is auto."""


@dataclass(frozen=True)
class Forward:
    """The student as a function of images; the teacher's quick copy, that copy as a function, and what is remembered of it
    (None where nobody learns from a teacher net)."""

    student: Callable[[Tensor], Tensor]
    quick: Net | None = None
    teacher: Callable[[Tensor], Tensor] | None = None
    memo: Memo | None = None


def forward(
    student: Net, teacher: Net | None, resources: Resources, batch_size: int,
    memo: Callable[[tuple[int, ...]], Memo | None] = lambda sizes: None,
) -> Forward:  # fmt: skip
    """The nets ready to run on batches of `batch_size`; `memo` makes the memory of a teacher that takes batches of these sizes
    (of any, where there are none)."""
    if resources.compile:
        afresh()
    run = compiled(student, {batch_size}) if resources.compile else student
    if teacher is None:
        return Forward(run)
    made = resources.place(folded(teacher, resources.dtype))
    if not resources.compile:
        return Forward(run, made, made, memo(()))
    sizes = (max(1, batch_size // 2), batch_size)
    kept = memo(sizes)
    return Forward(run, made, compiled(made, sizes if kept else {batch_size}), kept)


def remembering(
    setting: str | float, *, samples: int, views: int, classes: int, resources: Resources, path: Path
) -> Callable[[tuple[int, ...]], Memo | None]:
    """What makes the memo of `run.memo` for so many samples of so many views (0: without end); `path` is its file."""
    room = _room(setting, resources)
    keys = samples * views
    rows = int(room - 4 * keys) // (classes * resources.dtype.itemsize)

    def made(sizes: tuple[int, ...]) -> Memo | None:
        return Memo(keys, rows, sizes, path) if keys and rows >= samples else None

    return made


def _room(setting: str | float, resources: Resources) -> float:
    """Bytes."""
    if not isinstance(setting, str):
        return setting * 2**30
    device = resources.torch_device
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    return SHARE * free
