"""The feature vectors of a teacher's map over the training images, gathered into memory within a budget.

A map (C, H, W) gives H · W vectors of C numbers, one a place. Images are taken as they are, without augmentation, and the
teacher in evaluation mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor
from torch.nn import functional

from engine.method import Lab
from engine.modes import evaluating
from engine.nets.net import Net
from engine.taps import Look

GIB = 2**30
HALF = 65504.0
"""The largest number of float16; what lies beyond is kept as this."""


@dataclass(frozen=True)
class Vectors:
    """Points (n, C) in float32 or float16, each one's image class (n,) or None, and how many there are to choose from."""

    points: Tensor
    labels: Tensor | None
    total: int

    def in_words(self) -> str:
        """`12,800 vectors of 64 numbers in float32, all there are`."""
        count, width = self.points.shape
        said = f"{count:,} vectors of {width} numbers in {str(self.points.dtype).removeprefix('torch.')}"
        return f"{said}, all there are" if count == self.total else f"{said}, drawn evenly from {self.total:,}"


def places(f: Tensor) -> Tensor:
    """The vectors (B · H · W, C) of maps (B, C, H, W), image by image and row by row."""
    return f.permute(0, 2, 3, 1).flatten(0, 2)


def resized(f: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps (B, C, H, W) at another size: larger ones are averaged, each place of a smaller one is repeated."""
    return f if tuple(f.shape[2:]) == tuple(size) else functional.adaptive_avg_pool2d(f, size)


def fitting(total: int, width: int, wanted: Literal["all"] | int, budget: int) -> tuple[int, torch.dtype]:
    """How many of `total` vectors of `width` numbers fit into `budget` bytes, and in which precision: all that are wanted in
    float32 if they do, else in float16, else as many as do in float16."""
    count = total if wanted == "all" else min(wanted, total)
    if 4 * count * width <= budget:
        return count, torch.float32
    return max(1, min(count, budget // (2 * width))), torch.float16


def spread(total: int, count: int, generator: torch.Generator) -> Tensor:
    """`count` different positions of `total` in rising order, one drawn from each of as many equal stretches."""
    bounds = torch.arange(count + 1) * total // count
    lengths = bounds.diff()
    return bounds[:-1] + (torch.rand(count, dtype=torch.float64, generator=generator) * lengths).long()


@torch.no_grad()
def gather(
    lab: Lab,
    tap: str,
    size: tuple[int, int],
    wanted: Literal["all"] | int,
    budget: int,
    generator: torch.Generator,
) -> Vectors:
    """Run the teacher over the training images and keep the vectors of one of its maps at the given size. Raises ValueError
    without a teacher net, and whatever a stop raises."""
    if lab.teacher is None:
        raise ValueError("feature vectors are a teacher net's: choose one")
    height, width = size
    each, samples = height * width, lab.facts.samples
    channels = lab.teacher.shapes[tap][0]
    count, dtype = fitting(samples * each, channels, wanted, budget)
    chosen = spread(samples * each, count, generator)
    points = torch.empty(count, channels, dtype=dtype, device=lab.device)
    labels = None if lab.facts.labels is None else torch.empty(count, dtype=torch.long, device=lab.device)
    look, done = Look(cast(Net, lab.teacher.net), {"map": tap}), 0
    with evaluating(lab.teacher.net):
        for x, y, index in lab.batches():
            rows = places(resized(look(x).taps["map"].float(), size))
            first = int(index[0]) * each
            until = int(torch.searchsorted(chosen, first + len(rows)))
            here = (chosen[done:until] - first).to(rows.device)
            points[done:until] = rows[here].clamp(-HALF, HALF) if dtype == torch.float16 else rows[here]
            if labels is not None and y is not None:
                labels[done:until] = y[here // each]
            done = until
            lab.progress("teacher's maps", int(index[-1]) + 1, samples, "images")
    look.remove()
    return Vectors(points, labels, samples * each)
