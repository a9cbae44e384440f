"""Stratified choices of images: the same for every run with the same seed."""

from __future__ import annotations

import torch
from torch import Tensor

from engine import seeds


def stratified(labels: Tensor, share: float, seed: int, purpose: str) -> tuple[Tensor, Tensor]:
    """Positions (n,) and (N - n,), both rising: `share` of every class, rounded, and the rest.

    A class of two images or more has at least one on either side; the only image of a class belongs to the rest.
    """
    chance = torch.randperm(len(labels), generator=seeds.generator(seed, "split", purpose))
    by_class = chance[torch.argsort(labels[chance], stable=True)]
    counts = torch.bincount(labels)
    wanted = torch.where(counts > 1, (counts * share).round().long().clamp(min=1).minimum(counts - 1), 0)
    first = counts.cumsum(0) - counts
    rank = torch.arange(len(labels)) - first.repeat_interleave(counts)
    chosen = rank < wanted.repeat_interleave(counts)
    return by_class[chosen].sort().values, by_class[~chosen].sort().values
