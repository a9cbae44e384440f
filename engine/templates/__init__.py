"""What letKD's layers learn: a teacher's templates by k-means, and its localized decisions between sub-classes.

Vectors are (n, d), one a place of a map; targets (n, K) are probabilities over K templates. All of it is made before
distilling and kept in buffers; nothing of it is learned (Gorgun, Gurbuz, Alatan, BMVC 2023, arXiv 2309.02843).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine import kmeans

SHOWN = 64
"""Bars of a usage; more templates share them."""
MAPPED = 16
"""Images whose places are shown with their templates."""
AUTOMATIC = 60
"""Directions of the discriminant analysis kept at most where nobody says how many."""


def assignments(z: Tensor, centroids: Tensor, sharpness: float = 1.0) -> Tensor:
    """p_T (n, K) = softmax over k of -sharpness · |z - ρ_k|², of vectors z (n, d) and templates ρ (K, d). What all
    templates share, |z|², is left out: it changes nothing and costs digits."""
    near = torch.addmm(centroids.square().sum(1), z, centroids.T, beta=-1, alpha=2)
    return torch.softmax(sharpness * near, dim=1)


def template_loss(scores: Tensor, target: Tensor) -> Tensor:
    """The mean over vectors of KL(target ‖ softmax(scores)), the target's own entropy included; both (n, K). A scalar."""
    return functional.kl_div(torch.log_softmax(scores, dim=1), target, reduction="batchmean")


def own_sub_class(u: Tensor, y: Tensor, centroids: Tensor) -> Tensor:
    """h1 (n,): the nearest sub-class of the class y of each vector, k y + argmin over k of |u - ρ_{y,k}|, of vectors u (n, m)
    and sub-classes ρ (C, k, m)."""
    distances = (u[:, None] - centroids[y]).square().sum(2)
    return y * centroids.shape[1] + distances.argmin(1)


def decision_matrix(own: Tensor, decided: Tensor, count: int) -> Tensor:
    """T (S, S), the share of the vectors of sub-class s (`own`) that are decided to be s'. Every row sums to 1; that of a
    sub-class without vectors decides for itself."""
    pairs = torch.bincount(own * count + decided, minlength=count * count).reshape(count, count).double()
    rows = pairs.sum(1, keepdim=True)
    alone = torch.eye(count, dtype=pairs.dtype, device=pairs.device)
    return torch.where(rows > 0, pairs / rows.clamp_min(1), alone).float()


def shares(labels: Tensor, count: int) -> Tensor:
    """How often each of `count` templates is chosen, as shares (count,)."""
    found = torch.bincount(labels, minlength=count).float()
    return found / found.sum().clamp_min(1)


def bars(use: Tensor, order: Tensor) -> Tensor:
    """A usage (K,) in the given order, at most `SHOWN` bars of equally many templates each (the last may have fewer)."""
    wide = per_bar(len(use))
    return functional.pad(use[order], (0, -len(use) % wide)).reshape(-1, wide).sum(1)


def per_bar(count: int) -> int:
    """Templates that share a bar."""
    return -(-count // SHOWN)


def directions(width: int, classes: int, wanted: str | int) -> int:
    """How many directions of a discriminant analysis are kept: as many as are wanted, or for `auto` one less than there are
    and at most 60, which is what the paper has for CIFAR-10 and CIFAR-100."""
    there = max(1, min(width, classes - 1))
    return min(there, int(wanted)) if wanted != "auto" else min(AUTOMATIC, max(1, there - 1))


class Templates(nn.Module):
    """K templates of a teacher's map by k-means, and how often the training images use each."""

    centroids: Tensor
    usage: Tensor

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.register_buffer("centroids", torch.zeros(count, width))
        self.register_buffer("usage", torch.zeros(count))

    def forward(self, z: Tensor, y: Tensor, sharpness: float) -> Tensor:
        """The target (n, K) of vectors z (n, d); their classes do not matter."""
        return assignments(z, self.centroids, sharpness)


class Decisions(nn.Module):
    """k sub-classes of each class in the directions that tell the classes of a teacher's vectors apart, and how it decides
    between all of them at each place."""

    mean: Tensor
    scalings: Tensor
    centroids: Tensor
    prototypes: Tensor
    matrix: Tensor
    usage: Tensor

    def __init__(self, classes: int, each: int, width: int, kept: int) -> None:
        super().__init__()
        count = classes * each
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scalings", torch.zeros(width, kept))
        self.register_buffer("centroids", torch.zeros(classes, each, kept))
        self.register_buffer("prototypes", torch.zeros(count, kept))
        self.register_buffer("matrix", torch.eye(count))
        self.register_buffer("usage", torch.zeros(count))

    def look_along(self, mean: Tensor, scalings: Tensor) -> None:
        """Take the best of the directions (d, r) found; where there are fewer than are kept, the rest says nothing."""
        kept = min(self.scalings.shape[1], scalings.shape[1])
        self.mean.copy_(mean)
        self.scalings.zero_()[:, :kept] = scalings[:, :kept]

    def along(self, z: Tensor) -> Tensor:
        """u (n, m) of vectors z (n, d) in the directions kept."""
        return (z - self.mean) @ self.scalings

    def settle(self, u: Tensor, y: Tensor, between: kmeans.Between = kmeans.pass_by) -> tuple[Tensor, Tensor]:
        """From the sub-classes of each class make prototypes, the mean of their vectors, and the matrix of decisions, from
        vectors u (n, m) of the classes y (n,). Gives both decisions of each vector, within its class and free."""
        count = len(self.prototypes)
        own = torch.cat([own_sub_class(a, b, self.centroids) for a, b in zip(u.split(4096), y.split(4096))])
        sizes = torch.bincount(own, minlength=count)
        sums = torch.zeros(count, u.shape[1], dtype=torch.float64, device=u.device)
        for a, b in zip(u.split(4096), own.split(4096)):
            kmeans.add(sums, a, b)
        means = (sums / sizes.clamp_min(1)[:, None]).float()
        self.prototypes.copy_(torch.where(sizes[:, None] > 0, means, self.centroids.flatten(0, 1)))
        free, _ = kmeans.assign(u, self.prototypes, between)
        self.matrix.copy_(decision_matrix(own, free, count))
        self.usage.copy_(shares(free, count))
        return own, free

    def forward(self, z: Tensor, y: Tensor, sharpness: float) -> Tensor:
        """The target (n, S) of vectors z (n, d) of the classes y (n,): the row of the sub-class each is in."""
        return self.matrix[own_sub_class(self.along(z), y, self.centroids)]
