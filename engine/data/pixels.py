"""Arithmetic on whole sets of uint8 images: resizing, statistics, floats in [0, 1]."""

from __future__ import annotations

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


def levels(images: Tensor) -> Tensor:
    """How often each grey level occurs in each channel of uint8 images (N, C, H, W): (C, 256), on the CPU."""
    return torch.stack([torch.bincount(channel.flatten(), minlength=256).cpu() for channel in images.unbind(1)])


def mean_and_std(counts: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Per channel, of pixels in [0, 1], exact, from the `levels` (C, 256); a constant channel has the std of one grey level,
    so that dividing by it stays harmless."""
    grey = torch.arange(256, dtype=torch.float64) / 255
    means, stds = [], []
    for share in counts.double():
        share = share / share.sum()
        mean = (share * grey).sum()
        means.append(float(mean))
        stds.append(max(float((share * (grey - mean) ** 2).sum().sqrt()), 1 / 255))
    return tuple(means), tuple(stds)
