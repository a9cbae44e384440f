"""Class similarity from embeddings of single images, the diagonal boost that makes each class its own nearest, and the
soft labels that follow (Doshi & Kim 2024).

Shapes: e (N, d) embeddings, y (N,) classes, A (C, C) similarities, q (C, C) soft labels. All in float64: rows of q differ
from uniform in the fourth digit.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

TINY = 1e-8
GRID = 0.0005


class Similarity:
    """Collects embeddings, however many, and gives the mean cosine between the images of any two classes.

    The mean of pairwise cosines is the product of the classes' mean directions, so N x N is never formed.
    """

    def __init__(self, classes: int) -> None:
        self._sums: Tensor = torch.zeros(0)
        self._squares = torch.zeros(classes, dtype=torch.float64)
        self._counts = torch.zeros(classes, dtype=torch.float64)

    def add(self, e: Tensor, y: Tensor) -> None:
        """Take embeddings (N, d) of images of the classes y (N,)."""
        e, y = e.detach().double().cpu(), y.cpu()
        unit = e / e.norm(dim=1, keepdim=True).clamp_min(TINY)
        if not self._sums.numel():
            self._sums = torch.zeros(len(self._counts), e.shape[1], dtype=torch.float64)
        self._sums.index_add_(0, y, unit)
        self._squares.index_add_(0, y, unit.square().sum(dim=1))
        self._counts += torch.bincount(y, minlength=len(self._counts))

    def matrix(self) -> Tensor:
        """A: means over pairs of two classes; on the diagonal over pairs of two different images of the class.

        Raises ValueError where a class has fewer than two images.
        """
        n = self._counts
        if bool((n < 2).any()):
            raise ValueError(f"class {int(n.argmin())} has {int(n.min())} images; its similarity to itself needs at least two")
        together = self._sums @ self._sums.T
        found = together / (n[:, None] * n)
        found.diagonal().copy_((together.diagonal() - self._squares) / (n * (n - 1)))
        return found


def draw(labels: Tensor, names: tuple[str, ...], count: int, generator: torch.Generator) -> Tensor:
    """Positions of `count` images of each class (all of a smaller one), without replacement. Raises ValueError, naming the
    class, where one has fewer than two."""
    drawn = []
    for c, name in enumerate(names):
        own = (labels == c).nonzero().flatten()
        if len(own) < 2:
            raise ValueError(f"class {name!r} has {len(own)} training images; its similarity to itself needs two")
        drawn.append(own[torch.randperm(len(own), generator=generator)[:count]])
    return torch.cat(drawn)


def class_similarity(e: Tensor, y: Tensor, classes: int) -> Tensor:
    """A (classes, classes) of embeddings that fit into memory at once; see `Similarity.matrix`."""
    collected = Similarity(classes)
    collected.add(e, y)
    return collected.matrix()


def lead(a: Tensor) -> Tensor:
    """(C,): how far each class's own entry is above the largest other one of its row."""
    others = a.masked_fill(torch.eye(len(a), dtype=torch.bool, device=a.device), -torch.inf)
    return a.diagonal() - others.amax(dim=1)


def smallest_boost(a: Tensor) -> float:
    """γ_min = max(0, max_i (max_{j≠i} A_ij - A_ii)): any larger γ on the diagonal ranks every class first in its row."""
    return max(0.0, -lead(a).min().item())


def boost(a: Tensor, grid: float = GRID) -> float:
    """The smallest multiple of `grid` that ranks every class first: 0 where A does so already."""
    worst = -lead(a).min().item()
    return 0.0 if worst < 0 else grid * (math.floor(worst / grid) + 1)


def rows_right(a: Tensor) -> int:
    """How many rows of A have their largest entry on the diagonal, alone."""
    return int((lead(a) > 0).sum())


def boosted(a: Tensor, gamma: float) -> Tensor:
    """A + γ I."""
    return a + gamma * torch.eye(len(a), dtype=a.dtype, device=a.device)


def shuffled(a: Tensor, generator: torch.Generator) -> Tensor:
    """A with the entries beside the diagonal of each row in random order: the same values, without their meaning."""
    classes = len(a)
    beside = ~torch.eye(classes, dtype=torch.bool)
    order = torch.rand(classes, classes - 1, generator=generator).argsort(dim=1).to(a.device)
    mixed = a.clone()
    mixed[beside] = a[beside].view(classes, classes - 1).gather(1, order).flatten()
    return mixed


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's correlation of the rows of two (C, C) matrices beside the diagonal, averaged over rows; NaN rows of
    either (classes never seen) are left out. Ranks of equal values are not averaged."""
    classes = len(a)
    beside = ~torch.eye(classes, dtype=torch.bool, device=a.device)
    known = ~(a.isnan().any(dim=1) | b.isnan().any(dim=1))
    ranks = [m[beside].view(classes, -1)[known].argsort(dim=1).argsort(dim=1).double() for m in (a, b.to(a.device))]
    x, y = (r - r.mean(dim=1, keepdim=True) for r in ranks)
    return ((x * y).sum(dim=1) / (x.norm(dim=1) * y.norm(dim=1)).clamp_min(TINY)).mean().item()
