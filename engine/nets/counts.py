"""How large a net is and what one image costs it: true counts of convolutions and linear layers."""

from __future__ import annotations

import copy
from math import prod

import torch
from torch import Tensor, nn

COUNTED = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def parameters(net: nn.Module) -> int:
    """How many trainable numbers a net has."""
    return sum(p.numel() for p in net.parameters())


def size_in_bytes(net: nn.Module) -> int:
    """Bytes of all parameters and buffers."""
    return sum(t.numel() * t.element_size() for t in (*net.parameters(), *net.buffers()))


def multiply_adds(net: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiply-adds of one image of `shape` (C, H, W): k² C_in/groups C_out per output position of a convolution (per
    input position of a transposed one), in x out per row of a linear layer; nothing else is counted."""
    ghost = without_storage(net)
    counts: list[int] = []

    def count(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        counts.append(_of_layer(module, args[0], output))

    for module in ghost.modules():
        if isinstance(module, COUNTED):
            module.register_forward_hook(count)
    with torch.no_grad():
        ghost(torch.empty(1, *shape, device="meta"))
    return sum(counts)


def without_storage(net: nn.Module) -> nn.Module:
    """A copy in eval mode on the meta device: shapes flow through it, nothing is computed."""
    return copy.deepcopy(net).to("meta").eval()


def _of_layer(module: nn.Module, x: Tensor, output: Tensor) -> int:
    weight = module.weight.numel()  # type: ignore[union-attr,operator]
    if isinstance(module, nn.Linear):
        return int(weight * prod(x.shape[1:-1]))
    positions = x.shape[2:] if isinstance(module, nn.ConvTranspose2d) else output.shape[2:]
    return int(weight * prod(positions))
