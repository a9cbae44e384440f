"""What quantizers do with a net's weights and activations, as numbers to be shown: shares of levels, clipped values, steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from engine.nets.net import Net
from engine.quantize import activations, weights
from engine.quantize.activations import ActivationQuantizer
from engine.quantize.wrapping import layers_of, quantizers_of

GROUPS = 16
"""Levels that are looked at apart; those of 8 bits in so many groups."""
HALF = 64
"""Columns on each side of 0 of a histogram of float weights."""
REACH = {1: 4.0, 2: 4.0, 4: 8.0, 8: 128.0}
"""How far a histogram of float weights reaches, in units of the scale; what lies beyond is counted in the last column."""
RARE = 1e-3
"""A level that is used by a smaller share is rare."""


class Weights(NamedTuple):
    """Per layer (L rows): the histogram of float weights in units of the scale (L, 2 HALF + 1) and the share of each level
    (L, K); the names of layers and of both kinds of columns; the 2 HALF + 2 numbers between which the columns of the histogram
    lie, and the levels, both in units of the scale."""

    layers: list[str]
    histogram: Tensor
    shares: Tensor
    places: list[str]
    levels: list[str]
    edges: list[float]
    at: list[int]


class Activations(NamedTuple):
    """Per quantizer (Q rows): the share of each level (Q, K), of clipped values (Q,), and the step (Q,); with the names."""

    places: list[str]
    shares: Tensor
    clipped: Tensor
    steps: Tensor
    levels: list[str]


@torch.no_grad()
def of_weights(net: Net) -> Weights:
    """The weights of a quantized net beside their levels."""
    layers = list(layers_of(net))
    bits = layers[0].quantizer.bits
    rows = [_of_layer(layer.weight, layer.quantizer) for layer in layers]
    spacing = REACH[bits] / HALF
    places = [_number(spacing * k) if (spacing * k).is_integer() else "" for k in range(-HALF, HALF + 1)]
    most = weights.highest(bits)
    signed = list(range(-most, most + 1)) if bits > 1 else [-1, 1]
    return Weights(
        [layer.path for layer in layers], torch.stack([row[0] for row in rows]), torch.stack([row[1] for row in rows]), places,
        grouped_names(signed), [spacing * (k - 0.5) for k in range(-HALF, HALF + 2)], signed,
    )  # fmt: skip


def _of_layer(weight: Tensor, quantizer: weights.WeightQuantizer) -> tuple[Tensor, Tensor]:
    """The histogram (2 HALF + 1,) and the shares of the levels (K,) of one layer; both sum to 1."""
    bits, most = quantizer.bits, weights.highest(quantizer.bits)
    w = weight.detach().float().flatten()
    q, scale = weights.on_levels(w, bits, quantizer.scale)
    columns = (w / scale.clamp_min(1e-12) * HALF / REACH[bits]).round().clamp(-HALF, HALF) + HALF
    level = (q + most if bits > 1 else (q + 1) / 2).long()  # a weight of exactly 0 has no sign: it counts as negative
    return _shares(columns.long(), 2 * HALF + 1), grouped(_shares(level, 2 * most + 1 if bits > 1 else 2))


@torch.no_grad()
def of_activations(net: Net, x: Tensor) -> Activations:
    """What the activation quantizers of a net do with images (B, C, H, W) in [0, 1]; the net is in evaluation mode."""
    quantizers = list(quantizers_of(net))
    counts = [torch.zeros(2**quantizer.bits, device=x.device) for _, quantizer in quantizers]
    clipped = torch.zeros(len(quantizers), device=x.device)
    handles = [
        quantizer.register_forward_pre_hook(_counting(counts[i], clipped, i)) for i, (_, quantizer) in enumerate(quantizers)
    ]  # fmt: skip
    net(x)
    for handle in handles:
        handle.remove()
    every = torch.stack(counts)
    total = every.sum(1, keepdim=True).clamp_min(1.0)
    steps = torch.stack([activations.within(quantizer.step).detach() for _, quantizer in quantizers])
    names = grouped_names(range(every.shape[1]))
    return Activations([path for path, _ in quantizers], grouped(every / total), clipped / total[:, 0], steps, names)


def _counting(counts: Tensor, clipped: Tensor, index: int) -> Callable[[nn.Module, Any], None]:
    def count(module: nn.Module, args: Any) -> None:
        assert isinstance(module, ActivationQuantizer)
        x, step = args[0].detach().float(), activations.within(module.step)
        level = activations.on_levels(x, step, module.bits).long().flatten()
        counts.add_(torch.bincount(level, minlength=len(counts)))
        clipped[index] += (x > activations.levels(module.bits) * step).sum()

    return count


def _shares(index: Tensor, count: int) -> Tensor:
    return torch.bincount(index, minlength=count).float() / len(index)


def rare(shares: Tensor) -> float:
    """The largest share of rare levels among the rows of (R, K)."""
    return float((shares < RARE).float().mean(1).max())


def grouped(shares: Tensor) -> Tensor:
    """Shares of K levels (..., K) as they are, or of at most `GROUPS` groups of neighbouring levels where K is larger."""
    if shares.shape[-1] <= GROUPS:
        return shares
    return torch.stack([part.sum(-1) for part in shares.split(_size(shares.shape[-1]), dim=-1)], dim=-1)


def grouped_names(levels: Iterable[int]) -> list[str]:
    """What the columns of `grouped` are called: `3`, or `0 to 15`."""
    every = list(levels)
    if len(every) <= GROUPS:
        return [_number(level) for level in every]
    size = _size(len(every))
    parts = [every[i : i + size] for i in range(0, len(every), size)]
    return [f"{_number(part[0])} to {_number(part[-1])}" for part in parts]


def _size(count: int) -> int:
    return -(-count // GROUPS)


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
