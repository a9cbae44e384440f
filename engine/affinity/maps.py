"""Affinities small enough to be looked at: of a few images, between few places."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from engine.affinity import affinity

SIDE = 8
"""Most places a side between which affinities are shown."""


def side_of(f_s: Tensor, f_t: Tensor) -> int:
    """Places a side at which maps (B, C, H, W) of student and teacher are laid beside each other: no more than either has."""
    return min(SIDE, *f_s.shape[-2:], *f_t.shape[-2:])


def small(f: Tensor, side: int) -> Tensor:
    """(B, side², side²): cosines between the places of maps (B, C, H, W) averaged to `side` places a side."""
    return affinity(functional.adaptive_avg_pool2d(f.float(), side))
