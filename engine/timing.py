"""How long a net takes."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from engine.nets.net import Net


@torch.no_grad()
def milliseconds(net: Net, x: Tensor) -> float:
    """Of one forward pass over images (B, C, H, W), the device's work included."""
    _wait(x.device)
    start = time.perf_counter()
    net(x)
    _wait(x.device)
    return 1e3 * (time.perf_counter() - start)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
