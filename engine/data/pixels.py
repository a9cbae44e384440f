"""Arithmetic on whole sets of uint8 images: resizing, statistics, floats in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def to_unit(images: Tensor) -> Tensor:
    """uint8 (..., H, W) to float32 in [0, 1]."""
    return torch.div(images, 255)


def resized(images: Tensor, side: int, chunk: int = 4096) -> Tensor:
    """uint8 (N, C, H, W) to (N, C, side, side): bilinear, antialiased, in chunks so that floats stay few."""
    if images.shape[-2:] == (side, side):
        return images
    made = images.new_empty((*images.shape[:2], side, side))
    for start in range(0, len(images), chunk):
        part = images[start : start + chunk].float()
        new = F.interpolate(part, (side, side), mode="bilinear", antialias=True, align_corners=False)
        made[start : start + chunk] = new.round_().clamp_(0, 255).to(torch.uint8)
    return made


def reader(images: Tensor) -> Callable[[Tensor, int], Tensor]:
    """How a pile of images that are in memory already (N, C, H, W) uint8 is read: by position, resized to a side."""
    return lambda index, side: resized(images[index], side)


def mean_and_std(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Per channel, of pixels in [0, 1], exact (from the histogram of grey levels); a constant channel has the std of one
    grey level, so that dividing by it stays harmless."""
    levels = torch.arange(256, dtype=torch.float64) / 255
    means, stds = [], []
    for channel in range(images.shape[1]):
        share = torch.bincount(images[:, channel].flatten(), minlength=256).cpu().double()
        share /= share.sum()
        mean = (share * levels).sum()
        means.append(float(mean))
        stds.append(max(float((share * (levels - mean) ** 2).sum().sqrt()), 1 / 255))
    return tuple(means), tuple(stds)
