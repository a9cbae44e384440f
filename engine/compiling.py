"""Compiled nets: one batch size each, kept on disk between runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path

import appdirs
import torch
from torch import Tensor
from torch._dynamo.exc import BackendCompilerFailed
from torch._inductor.exc import InductorError

from engine.nets.net import Net

FAILED = (BackendCompilerFailed, InductorError)
"""What torch raises at a compiled net's first call where nothing on this machine can compile it."""


def afresh() -> None:
    """Forget what earlier runs of this process compiled: a graph has the hooks it was traced with, and would serve the nets of
    the next run without theirs."""
    torch._dynamo.reset()


def compiled(net: Net, sizes: Collection[int]) -> Callable[[Tensor], Tensor]:
    """The net as a function, compiled for batches of these sizes; a batch of another size (the last of an epoch) takes the
    net as it is, for each size is compiled anew: sizes left open change the weights after a resume."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(_folder()))
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 4 * len(sizes))  # type: ignore[attr-defined]
    quick = torch.compile(net, dynamic=False)
    wanted = frozenset(sizes)
    return lambda x: quick(x) if len(x) in wanted else net(x)


def _folder() -> Path:
    """Where compiled kernels are kept, so that the next run of the same nets starts at once."""
    return Path(appdirs.user_cache_dir("kdstudio", appauthor=False)) / "compiled"
