"""letKD's layer: what stays in the student, rebuilt from its sizes alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.nets.parts import kind


def cosine(x: Tensor, weight: Tensor, scale: Tensor) -> Tensor:
    """A 1 x 1 convolution of cosines: g <x, w_o> / (|x| |w_o|) at every place, x (B, C, H, W), weight (O, C, 1, 1), g a scalar.

    Lengths count as at least 1e-12 (the smallest number where a precision has none as small), so zeros give 0.
    """
    least = max(1e-12, torch.finfo(x.dtype).tiny)
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_min(least)
    return scale * functional.conv2d(x, functional.normalize(weight, dim=1)) / length


class Cosine(nn.Module):
    """`cosine` with learned weights, which begin as N(0, 2/C), and a learned scale."""

    def __init__(self, wide_in: int, wide: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(wide, wide_in, 1, 1) * math.sqrt(2 / wide_in))
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, O, H, W)."""
        return cosine(x, self.weight, self.scale)


@kind("letkd.layer")
class Layer(nn.Module):
    """x + α · values(ReLU(BN(scores(x)))): how well each template matches at each place, and what follows from it.

    `scores` (B, templates, H, W) are a tap: they are supervised, and nothing is cut off from the gradient. With α = 0 the map
    leaves as it came.
    """

    taps: ClassVar[Mapping[str, str]] = {"scores": "scores"}

    def __init__(self, width: int, templates: int, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.scores = Cosine(width, templates, 3.0)
        self.norm = nn.BatchNorm2d(templates)
        self.values = Cosine(templates, width, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return x + self.alpha * self.values(functional.relu(self.norm(self.scores(x))))


@contextmanager
def silenced(layers: Iterable[Layer]) -> Iterator[None]:
    """Inside, the layers let their maps pass."""
    before = [(layer, layer.alpha) for layer in layers]
    for layer, _ in before:
        layer.alpha = 0.0
    try:
        yield
    finally:
        for layer, alpha in before:
            layer.alpha = alpha
