"""What ReLU puts out, on few levels: uniform, from 0, with one learned step a quantizer.

Rules of FAQD's released code (section 2.6 of the notes on it): with b bits, L = 2^b - 1 levels above 0 and a step a > 0,
σ(x) = a · ceil(x/a), but 0 below 0 and L a above. Neither its gradient by x nor that by a is the derivative.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

InputGradient = Literal["clipped", "relu", "identity"]
StepGradient = Literal["mean", "exact", "pact", "min"]

SMALLEST_STEP, LARGEST_STEP = 1e-3, 5.0
MOST_RELEASED = 4
"""Bits up to which the released rules go."""

RELEASED: Mapping[int, float] = {1: 1.2221, 2: 0.6511, 4: 0.1946, 8: 0.0165}
"""First steps as released, the least squared error of a rounding quantizer; that of 8 bits is of the same kind."""

OPTIMAL: Mapping[int, float] = {1: 0.798, 2: 0.487, 4: 0.167, 8: 0.0154}
"""Steps of least squared error of this quantizer for the positive half of a normal distribution of variance 1."""


def levels(bits: int) -> int:
    """L, the number of levels above 0."""
    return int(2**bits - 1)


def on_levels(x: Tensor, step: Tensor, bits: int) -> Tensor:
    """The level of each value, 0 to L, as whole numbers in the dtype of `x`; `step` is 0-dim."""
    return (x / step).ceil().clamp(0, levels(bits))


def quantized(x: Tensor, step: Tensor, bits: int) -> Tensor:
    """σ(x) for x of any shape."""
    return step * on_levels(x, step, bits)


def input_mask(x: Tensor, step: Tensor, bits: int, kind: InputGradient) -> Tensor:
    """Where the gradient passes to x: `clipped` 0 < x <= L a, `relu` 0 < x, `identity` everywhere."""
    match kind:
        case "clipped":
            return (x > 0) & (x <= levels(bits) * step)
        case "relu":
            return x > 0
        case "identity":
            return torch.ones_like(x, dtype=torch.bool)


def step_slope(x: Tensor, step: Tensor, bits: int, kind: StepGradient) -> Tensor:
    """What stands for dσ/da: 0 where x <= 0, L where x > L a; between them 2^(b-1) (`mean`), ceil(x/a) (`exact`),
    0 (`pact`) or 1 (`min`)."""
    most = levels(bits)
    inside = {"mean": 2 ** (bits - 1), "exact": 0, "pact": 0, "min": 1}[kind]
    between = (x / step).ceil() if kind == "exact" else torch.full_like(x, inside)
    return torch.where(x > most * step, most, torch.where(x > 0, between, 0.0))


class _Sigma(torch.autograd.Function):
    """σ with the gradients of FAQD."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, step: Tensor, bits: int, to_input: InputGradient, to_step: StepGradient, rate: float
    ) -> Tensor:
        ctx.save_for_backward(x, step)
        ctx.rule = (bits, to_input, to_step, rate)
        return quantized(x.float(), within(step), bits).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, step = ctx.saved_tensors
        bits, to_input, to_step, rate = ctx.rule
        x, step = x.float(), within(step)
        passed = gradient * input_mask(x, step, bits, to_input)
        pull = None
        if ctx.needs_input_grad[1]:
            finer = min(1.0, levels(MOST_RELEASED) / levels(bits))
            slope = step_slope(x, step, bits, to_step)
            pull = finer * (finer * rate * (gradient.float() * slope).sum()).clamp(-1.0, 1.0)
        return passed, pull, None, None, None, None


def within(step: Tensor) -> Tensor:
    """The step as it is used."""
    return step.clamp(SMALLEST_STEP, LARGEST_STEP)


class ActivationQuantizer(nn.Module):
    """Stands in the place of a ReLU: σ with a step of its own, in float32 whatever the autocast.

    The step is a parameter where it is learned, else a buffer. Its gradient is `rate` times the sum over all values, kept
    within -1 and 1 (as released). With 8 bits, of which nothing is released, the sum and its bounds are scaled by 15/255 each,
    so that the last level moves as with 4 bits: a step of .015 does not survive updates of .05. Weight decay, 1e-6 as
    released, is left out: it moves a step by under a thousandth."""

    step: Tensor

    def __init__(
        self,
        bits: int,
        learned: bool,
        to_input: InputGradient = "clipped",
        to_step: StepGradient = "mean",
        rate: float = 0.01,
    ) -> None:
        super().__init__()
        self.bits, self.to_input, self.to_step, self.rate = bits, to_input, to_step, rate
        start = torch.tensor(OPTIMAL[bits])
        if learned:
            self.step = nn.Parameter(start)
        else:
            self.register_buffer("step", start)

    def forward(self, x: Tensor) -> Tensor:
        """σ(x), of the shape and the dtype of x."""
        return _Sigma.apply(x, self.step, self.bits, self.to_input, self.to_step, self.rate)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """Bits, for a person."""
        return f"{self.bits} bits"
