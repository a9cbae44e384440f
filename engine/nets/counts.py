"""How large a net is and what one image costs it: true counts of convolutions, linear layers and matrix products."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def parameters(net: nn.Module) -> int:
    """How many trainable numbers a net has."""
    return sum(p.numel() for p in net.parameters())


def size_in_bytes(net: nn.Module) -> int:
    """Bytes of all parameters and buffers."""
    return sum(t.numel() * t.element_size() for t in (*net.parameters(), *net.buffers()))


def multiply_adds(net: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiply-adds of one image of `shape` (C, H, W): k² C_in/groups C_out per output position of a convolution (per
    input position of a transposed one), in x out per row of a linear layer, and the matrix products of attention; nothing
    else is counted."""
    ghost = without_storage(net)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        ghost(torch.empty(1, *shape, device="meta"))
    return int(counter.get_total_flops()) // 2


def without_storage(net: nn.Module) -> nn.Module:
    """A copy in eval mode on the meta device: shapes flow through it, nothing is computed."""
    return copy.deepcopy(net).to("meta").eval()
