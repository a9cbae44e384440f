"""The layer that a reconstruction of AEKT puts between classification and distillation: class logits to class logits.

Shapes: z (B, C). The layer begins as the identity, so that training begins as without it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.embeddings import spectral_rank
from engine.nets.parts import kind


class Relations(nn.Module):
    """z' = W z + b with W (C, C), which relates the classes to each other; W = I and b = 0 in the beginning.

    W is not called a weight, so that a quantizer of weights takes the classifier before it for the last layer.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(classes))
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, z: Tensor) -> Tensor:
        """(B, C) to the same shape."""
        return functional.linear(z, self.matrix, self.bias)


@kind("aekt.classifier")
class Serialized(nn.Linear):
    """A classifier behind which the relations stay: what it says before them is the tap `classified`."""

    taps: ClassVar[Mapping[str, str]] = {"classified": "classified"}

    def __init__(self, width: int, classes: int) -> None:
        super().__init__(width, classes)
        self.classified = nn.Identity()
        self.relations = Relations(classes)

    def forward(self, x: Tensor) -> Tensor:
        """Pooled features (B, width) to logits (B, C)."""
        return self.relations(self.classified(super().forward(x)))  # type: ignore[no-any-return]


def distance(matrix: Tensor) -> Tensor:
    """‖W - I‖ / √C, a scalar: 0 while the layer passes everything on."""
    return torch.linalg.matrix_norm(matrix - torch.eye(len(matrix), device=matrix.device)) / math.sqrt(len(matrix))


def rank(matrix: Tensor) -> Tensor:
    """The effective rank of W in percent of the classes, a scalar."""
    return torch.tensor(100.0 * spectral_rank(matrix.detach()) / len(matrix))
