"""k-means by Lloyd's iterations over points in memory: chunked, seeded, and to be broken off and gone on with at any time.

Points are (n, d) in float32 or float16, centroids (K, d) in float32; distances are squared Euclidean. An iteration assigns
every point to its nearest centroid and moves each centroid to the mean of its points. A centroid without points is moved
to the point that lies farthest from its own centroid, which leaves that point's cluster; several take the farthest points
in turn, as scikit-learn does. Nothing is normalized, weighted or left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

CELLS = {"cpu": 2**20, "cuda": 2**26}
"""Distances held at once: on a CPU what fits its caches, which is twice as quick as more."""

Between = Callable[[int, int], None]
"""Called between two chunks with the points done and the points there are; it may raise to break off."""


def pass_by(done: int, total: int) -> None:
    """A `Between` that does nothing."""


def start(points: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` different points drawn at random, as centroids (K, d). Raises ValueError where there are fewer points."""
    if count > len(points):
        raise ValueError(f"{count} centroids cannot start from {len(points)} points")
    drawn = torch.randperm(len(points), generator=generator)[:count]
    return points[drawn.to(points.device)].float()


def nearest(x: Tensor, centroids: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest centroid of each point (n,), and the squared distance to it (n,), of points (n, d) that fit in one chunk.

    Both are best centred near 0: in float32 |x|² - 2 x·c + |c|² loses digits far from it.
    """
    # the largest of 2 x·c - |c|²: torch finds a largest entry twice as quickly as a smallest one on a CPU
    best, labels = torch.addmm(centroids.square().sum(1), x, centroids.T, beta=-1, alpha=2).max(1)
    return labels, (x.square().sum(1) - best).clamp_min(0)


def assign(points: Tensor, centroids: Tensor, between: Between = pass_by) -> tuple[Tensor, Tensor]:
    """The nearest centroid of every point (n,), and the squared distance to it (n,) in float32."""
    shift = centroids.mean(0)
    labels = torch.empty(len(points), dtype=torch.long, device=points.device)
    distances = torch.empty(len(points), device=points.device)
    for first, x in _chunks(points, len(centroids), shift):
        here = slice(first, first + len(x))
        labels[here], distances[here] = nearest(x, centroids - shift)
        between(first + len(x), len(points))
    return labels, distances


def inertia(distances: Tensor) -> float:
    """The sum of the squared distances of `assign`, in float64."""
    return float(distances.sum(dtype=torch.float64))


def perplexity(counts: Tensor) -> Tensor:
    """exp of the entropy of a use of templates (K,) given as counts or shares: how many of them are used evenly. A scalar."""
    shares = counts / counts.sum()
    return torch.exp(torch.special.entr(shares).sum())


@dataclass
class Lloyd:
    """Iterations from given centroids. `iteration` counts those that are complete, `moved` the centroids without points
    that were moved so far; breaking off within an iteration loses that iteration alone."""

    centroids: Tensor
    iteration: int = 0
    moved: int = 0
    settled: bool = False

    def run(self, points: Tensor, iterations: int, between: Between = pass_by) -> None:
        """Go on until so many iterations are complete, or until one changes nothing."""
        while self.iteration < iterations and not self.settled:
            self._iterate(points, between)

    def _iterate(self, points: Tensor, between: Between) -> None:
        count, shift = len(self.centroids), self.centroids.mean(0)
        centred = self.centroids - shift
        sums = torch.zeros(self.centroids.shape, dtype=torch.float64, device=points.device)
        counts = torch.zeros(count, dtype=torch.float64, device=points.device)
        distances = torch.empty(len(points), device=points.device)
        for first, x in _chunks(points, count, shift):
            labels, distances[first : first + len(x)] = nearest(x, centred)
            add(sums, x, labels)
            counts += torch.bincount(labels, minlength=count)
            between(first + len(x), len(points))
        moved = self._move_empty(points, shift, sums, counts, distances)
        means = (sums / counts.clamp_min(1)[:, None]).float() + shift
        found = torch.where(counts[:, None] > 0, means, self.centroids)
        self.settled = torch.equal(found, self.centroids)
        self.centroids, self.iteration, self.moved = found, self.iteration + 1, self.moved + moved

    def _move_empty(self, points: Tensor, shift: Tensor, sums: Tensor, counts: Tensor, distances: Tensor) -> int:
        """Give each empty cluster one of the points farthest from their centroids, taken from its old cluster; how many."""
        empty = (counts == 0).nonzero().flatten()
        empty = empty[: int((distances > 0).sum())]  # points on their centroids would only be doubled
        if not len(empty):
            return 0
        far = points[distances.topk(len(empty)).indices].float() - shift
        old, _ = nearest(far, self.centroids - shift)
        sums.index_add_(0, old, -far.double())
        counts.index_add_(0, old, -torch.ones(len(old), dtype=counts.dtype, device=counts.device))
        sums[empty], counts[empty] = far.double(), 1.0
        return len(empty)

    def state(self) -> dict[str, Any]:
        """Everything an exact continuation over the same points needs."""
        return {"centroids": self.centroids, "iteration": self.iteration, "moved": self.moved, "settled": self.settled}

    def load(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self.centroids = state["centroids"].to(self.centroids.device, copy=True)
        self.iteration, self.moved, self.settled = int(state["iteration"]), int(state["moved"]), bool(state["settled"])


def add(sums: Tensor, x: Tensor, labels: Tensor) -> None:
    """Add the points (n, d) of each label to its row of `sums` (K, d) in float64, the same on every run of one device."""
    if x.device.type == "cpu":
        sums.index_add_(0, labels, x.double())
        return
    chosen = torch.zeros(len(x), len(sums), device=x.device).scatter_(1, labels[:, None], 1.0)  # atomics add in any order
    sums += (chosen.T @ x).double()


def _chunks(points: Tensor, centroids: int, shift: Tensor) -> Any:
    """(position, points less the shift in float32) so small that their distances to all centroids stay bounded."""
    rows = max(1, CELLS.get(points.device.type, CELLS["cpu"]) // centroids)
    for first in range(0, len(points), rows):
        yield first, points[first : first + rows].float() - shift
