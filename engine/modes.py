"""Training and evaluation mode of nets, of each of their modules for itself: parts of a net may rest while others train."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(*nets: nn.Module) -> Iterator[None]:
    """Inside, these nets are in evaluation mode; afterwards every module is as it was."""
    before = {module: module.training for net in nets for module in net.modules()}
    for net in nets:
        net.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training
