"""Linear discriminant analysis in closed form, from moments that are collected batch by batch.

The directions are those of scikit-learn's `LinearDiscriminantAnalysis` with its svd solver (`xbar_`, `scalings_`): first
the variation within the classes is whitened, then the class means are turned to their principal axes. Where scikit-learn
decomposes the n x d matrix of all samples, this decomposes its d x d product in float64, so that n does not matter. (Older
versions of it divide by n - C where newer ones and this divide by n: all directions are then longer by a common factor.)
"""

from __future__ import annotations

import torch
from torch import Tensor

TOLERANCE = 1e-4
"""Directions with a smaller singular value are left out, as scikit-learn does."""
NOISE = 1e-12
"""A column whose variation is a smaller share of its square than rounding leaves is constant."""


class Moments:
    """Counts (C,), sums (C, d) and products (d, d) of samples with classes, in float64 and less the mean of the first batch,
    so that no digits are lost far from 0."""

    def __init__(self, classes: int, width: int, device: torch.device | str = "cpu") -> None:
        self.counts = torch.zeros(classes, dtype=torch.float64, device=device)
        self.sums = torch.zeros(classes, width, dtype=torch.float64, device=device)
        self.products = torch.zeros(width, width, dtype=torch.float64, device=device)
        self.shift: Tensor | None = None

    def add(self, x: Tensor, y: Tensor) -> None:
        """Take in samples (n, d) of the classes y (n,)."""
        chosen = torch.zeros(len(x), len(self.counts), dtype=torch.float64, device=x.device).scatter_(1, y[:, None], 1.0)
        if self.shift is None:
            self.shift = x.double().mean(0)
        wide = x.double() - self.shift
        self.counts += chosen.sum(0)
        self.sums += chosen.T @ wide
        self.products += wide.T @ wide


def discriminants(moments: Moments, tolerance: float = TOLERANCE) -> tuple[Tensor, Tensor]:
    """The overall mean (d,) and the scalings (d, r), both float64: u = (x - mean) @ scalings, best direction first.

    r is at most the smaller of d and the number of classes less one. Classes without samples do not count. The sign of
    a direction is arbitrary. Raises ValueError for fewer than two classes, or where no direction tells them apart.
    """
    there = moments.counts > 0
    counts, sums = moments.counts[there], moments.sums[there]
    samples, classes = counts.sum(), len(counts)
    if classes < 2 or samples <= classes:
        raise ValueError(f"{int(samples)} samples of {classes} classes cannot be told apart: more of both are needed")
    means = sums / counts[:, None]
    mean = sums.sum(0) / samples
    within = moments.products - sums.T @ means
    varies = within.diagonal() > NOISE * moments.products.diagonal()
    spread = torch.where(varies, within.diagonal() / samples, 1.0).sqrt()
    values, axes = torch.linalg.eigh(within / samples / spread[:, None] / spread)
    singular, axes = values.flip(0).clamp_min(0).sqrt(), axes.flip(1)
    kept = singular > tolerance
    whitened = axes[:, kept] / spread[:, None] / singular[kept]
    between = (counts / (classes - 1)).sqrt()[:, None] * (means - mean) @ whitened
    _, singular, rows = torch.linalg.svd(between, full_matrices=False)
    if not len(singular) or singular[0] <= 0:
        raise ValueError("the classes have one and the same mean: no direction tells them apart")
    assert moments.shift is not None
    return mean + moments.shift, whitened @ rows.T[:, singular > tolerance * singular[0]]
