"""Where the steps of activation quantizers begin: at constants, or at what the float net's activations call for."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from engine.nets.net import Net
from engine.quantize.activations import LARGEST_STEP, OPTIMAL, RELEASED, SMALLEST_STEP, levels, quantized
from engine.quantize.layers import activations_of
from engine.quantize.settings import QuantizeSettings
from engine.quantize.wrapping import Started, quantizers_of

IMAGES = 256
"""Training images on which steps are calibrated."""
VALUES = 2**15
"""Positive values of each place that are looked at."""
TRIED = torch.logspace(-2, 2, 81, base=2.0)
"""Steps that are tried, as multiples of the optimal one for values of that size."""


def steps_for(net: Net, images: Callable[[], Tensor], settings: QuantizeSettings) -> Started:
    """The first steps for a float net that is about to be quantized. `calibrated` and `largest` look at images (B, C, H, W) in
    [0, 1], with the batch's own statistics in batch normalization, for running ones of fresh nets are nobody's."""
    bits = settings.activations
    match settings.step_start:
        case "released" | "optimal" as table:
            step = (RELEASED if table == "released" else OPTIMAL)[bits]
            return Started(bits, dict.fromkeys(activations_of(net), step))
        case "calibrated":
            found = {path: least_error(values, bits) for path, values in _positive(net, images()).items()}
        case "largest":
            found = {path: float(values.max()) / levels(bits) for path, values in _positive(net, images()).items()}
    return Started(bits, {path: min(max(step, SMALLEST_STEP), LARGEST_STEP) for path, step in found.items()})


def least_error(values: Tensor, bits: int) -> float:
    """The step whose quantizer changes positive values (N,) least, in the mean of squares; found among `TRIED`."""
    size = values.square().mean().sqrt()
    steps = (OPTIMAL[bits] * size * TRIED.to(values.device)).clamp(SMALLEST_STEP, LARGEST_STEP)
    errors = torch.stack([(quantized(values, step, bits) - values).square().mean() for step in steps])
    return float(steps[errors.argmin()])


@torch.no_grad()
def _positive(net: Net, x: Tensor) -> Mapping[str, Tensor]:
    """Positive values that each ReLU of a copy of the net puts out, evenly taken, at most `VALUES` of each call; a ReLU that
    puts out none gives one 1."""
    ghost = copy.deepcopy(net).train()
    found: dict[str, list[Tensor]] = {}
    for path, module in activations_of(ghost).items():
        module.register_forward_hook(_keeping(found.setdefault(path, [])))
    ghost(x)
    return {path: torch.cat(kept) if sum(map(len, kept)) else x.new_ones(1) for path, kept in found.items()}


def _keeping(kept: list[Tensor]) -> Any:
    def keep(module: nn.Module, args: Any, output: Tensor) -> None:
        values = output.detach().float().flatten()
        values = values[values > 0]
        kept.append(values[:: -(-len(values) // VALUES)] if len(values) else values)

    return keep


@torch.no_grad()
def begin(net: Net, started: Started) -> None:
    """Set the steps of a quantized net, where they are for as many bits as it has."""
    for path, quantizer in quantizers_of(net):
        if started.bits == quantizer.bits and path in started.steps:
            quantizer.step.fill_(started.steps[path])
