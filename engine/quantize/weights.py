"""Weights on few levels: one scale a layer, the gradient passed straight to the float weights behind.

Rules of FAQD (Li et al. 2023, arXiv 2302.10899; section 2.4 of their released code). Q(w) = s q with whole numbers q:

* 1 bit: q = sign(w), s = mean |w|
* 2 bits, ternary: q = sign(w) where |w| >= 0.7 mean |w| (at most 100), else 0; s is the mean of those |w| (Li et al. 2016,
  arXiv 1605.04711), or, as released, their sum over the number of all weights
* b >= 4 bits: D = max |w| / (2^b - 1) (at most 10); |q| = ceil((|w|/D - 1)/2) within 0 and 2^(b-1) - 1;
  s = sum |w| |q| / sum q²
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Bits = int
Scale = Literal["kept", "all"]

THRESHOLD = 0.7
LARGEST_THRESHOLD, LARGEST_STEP = 100.0, 10.0


def highest(bits: Bits) -> int:
    """The highest level: q lies within ± this."""
    return 1 if bits <= 2 else 2 ** (bits - 1) - 1


def on_levels(w: Tensor, bits: Bits, scale: Scale = "kept") -> tuple[Tensor, Tensor]:
    """The levels q of weights of any shape (whole numbers in the dtype of `w`) and their scale s (0-dim): Q(w) = s q."""
    if bits == 1:
        return w.sign(), w.abs().mean()
    return _ternary(w, scale) if bits == 2 else _uniform(w, bits)


def _ternary(w: Tensor, scale: Scale) -> tuple[Tensor, Tensor]:
    size = w.abs()
    kept = (size >= (THRESHOLD * size.mean()).clamp_max(LARGEST_THRESHOLD)).to(w.dtype)
    count = kept.sum() if scale == "kept" else w.numel()
    return kept * w.sign(), (size * kept).sum() / count  # with all weights 0 all are kept: nothing is divided by 0


def _uniform(w: Tensor, bits: Bits) -> tuple[Tensor, Tensor]:
    size = w.abs()
    step = (size.max() / (2**bits - 1)).clamp(torch.finfo(w.dtype).tiny, LARGEST_STEP)
    q = ((size / step - 1) / 2).ceil().clamp(0, highest(bits))
    return q * w.sign(), (size * q).sum() / q.square().sum().clamp_min(1.0)


class _Straight(torch.autograd.Function):
    """Puts out the second of two tensors of one shape and passes the gradient to the first, unchanged."""

    @staticmethod
    def forward(ctx: Any, w: Tensor, quantized: Tensor) -> Tensor:
        return quantized.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def straight_through(w: Tensor, quantized: Tensor) -> Tensor:
    """`quantized`, exactly, with the gradient of the float weights `w` (straight-through estimator)."""
    return _Straight.apply(w, quantized)  # type: ignore[no-any-return]


class WeightQuantizer(nn.Module):
    """Float weights in, Q(w) out, in float32 whatever the autocast; it has no state of its own.

    With `blends`, in training mode (λ Q(w) + w) / (λ + 1) as in BinaryRelax; λ is told by `harden`.
    """

    float_share: Tensor

    def __init__(self, bits: Bits, scale: Scale, blends: bool = False) -> None:
        super().__init__()
        self.bits, self.scale, self.blends = bits, scale, blends
        if blends:
            self.register_buffer("float_share", torch.zeros(()), persistent=False)

    def harden(self, weight: float) -> None:
        """Set λ, the weight of the quantized weights to that of the float ones; infinite: quantized wholly."""
        if self.blends:
            self.float_share.fill_(1.0 / (weight + 1.0))

    def forward(self, w: Tensor) -> Tensor:
        """Q(w), or the blend while it trains."""
        with torch.no_grad():
            size = w.detach().float()
            q, s = on_levels(size, self.bits, self.scale)
            found = s * q
            if self.blends and self.training:
                found = torch.lerp(found, size, self.float_share)
        return straight_through(w, found.to(w.dtype))

    def extra_repr(self) -> str:
        """Bits, for a person."""
        return f"{self.bits} bits"
