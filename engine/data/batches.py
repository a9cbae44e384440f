"""The order of the images and their augmented views, both keyed by (seed, epoch): every method of one seed sees the same.

Chance is drawn once an epoch for all images, on the CPU so that it is the same on every device, and gathered by index;
a view depends on (seed, epoch, index) and on nothing else of its batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from engine import seeds
from engine.data.pixels import to_unit
from engine.experiment import DatasetSettings


def order(samples: int, seed: int, epoch: int) -> Tensor:
    """A permutation (samples,) of an epoch's images, on the CPU."""
    return torch.randperm(samples, generator=seeds.generator(seed, "order", epoch))


@dataclass(frozen=True)
class Draws:
    """One epoch's chance for all N images: the first pixel of the crop in the padded, flattened image (N,), which are
    mirrored (N,) as uint8 0 or 1, and the angles (N,) in radians; None where the setting is off."""

    epoch: int
    corner: Tensor | None
    mirrored: Tensor | None
    angle: Tensor | None


class Views:
    """Augments batches on the device: crop after padding, mirroring, rotation; what is off costs nothing.

    `settings` say what is on; `samples` is the number of training images; `seed` the run's.
    """

    def __init__(self, settings: DatasetSettings, samples: int, seed: int, device: torch.device | str) -> None:
        self.settings, self.samples, self.seed = settings, samples, seed
        self.device = torch.device(device)
        self._draws = Draws(-1, None, None, None)

    def at(self, images: Tensor, index: Tensor, epoch: int) -> Tensor:
        """Views of `images` (B, C, H, W) uint8, the training images at `index` (B,), as float32 in [0, 1]."""
        if self._draws.epoch != epoch:
            self._draws = self._drawn(epoch, images.shape[-1])
        draws = self._draws
        if draws.corner is not None:
            corner = draws.corner.index_select(0, index)
            images = cropped(images, corner, self.settings.crop, self.settings.crop_fill == "reflect")
        if draws.mirrored is not None:
            images = mirrored(images, draws.mirrored.index_select(0, index))
        x = to_unit(images)
        return x if draws.angle is None else rotated(x, draws.angle.index_select(0, index))

    def _drawn(self, epoch: int, width: int) -> Draws:
        """Every kind of chance has a generator of its own, so that switching one on leaves the others as they were."""
        corner = flips = angle = None
        if crop := self.settings.crop:
            top, left = torch.randint(2 * crop + 1, (2, self.samples), generator=self._chance("crop", epoch))
            corner = (top * (width + 2 * crop) + left).to(self.device)
        if self.settings.flip:
            flips = torch.randint(2, (self.samples,), generator=self._chance("flip", epoch), dtype=torch.uint8)
            flips = flips.to(self.device)
        if self.settings.rotation:
            share = torch.rand(self.samples, generator=self._chance("rotation", epoch)) * 2 - 1
            angle = torch.deg2rad(share * self.settings.rotation).to(self.device)
        return Draws(epoch, corner, flips, angle)

    def _chance(self, kind: str, epoch: int) -> torch.Generator:
        return seeds.generator(self.seed, "augmentation", kind, epoch)


def cropped(images: Tensor, corner: Tensor, padding: int, reflect: bool) -> Tensor:
    """Windows of the size of `images` (B, C, H, W) out of the padded images; `corner` (B,) is the position of a window's
    first pixel in its padded, flattened image: row x (W + 2 padding) + column, both 0 to 2 padding. The padding is black,
    or mirrors the image at its border.

    Every window that could be cut is one row of an overlapping view, so a batch is one copy of whole lines.
    """
    count, channels, height, width = images.shape
    padded = reflection(images, padding) if reflect else torch.constant_pad_nd(images, (padding,) * 4)
    line = width + 2 * padding
    plane = line * (height + 2 * padding)
    last = padded.numel() - ((channels - 1) * plane + (height - 1) * line + width)
    windows = padded.contiguous().as_strided((last + 1, channels, height, width), (1, plane, line, 1))
    first = torch.arange(0, count * channels * plane, channels * plane, device=images.device)
    return windows.index_select(0, first.add_(corner))


def mirrored(images: Tensor, which: Tensor) -> Tensor:
    """Images (B, C, H, W) uint8 with those mirrored left to right for which `which` (B,) uint8 is 1, not 0.

    x + which (flipped - x) in the wrap-around arithmetic of uint8 is exact, and six times as fast as `torch.where`.
    """
    return images.flip(-1).sub_(images).mul_(which[:, None, None, None]).add_(images)


def reflection(images: Tensor, padding: int) -> Tensor:
    """Images (B, C, H, W) padded by mirroring at the borders, as often as the padding asks for."""
    rows, columns = (_reflected(n, padding, images.device) for n in images.shape[-2:])
    return images.index_select(2, rows).index_select(3, columns)


@cache
def _reflected(length: int, padding: int, device: torch.device) -> Tensor:
    """(length + 2 padding,) positions in 0 … length - 1, mirrored at the borders without repeating them."""
    period = max(2 * (length - 1), 1)
    there = torch.arange(-padding, length + padding, device=device) % period
    return torch.minimum(there, period - there) if length > 1 else torch.zeros_like(there)


def rotated(x: Tensor, angle: Tensor) -> Tensor:
    """Images (B, C, H, W) turned counter-clockwise by `angle` (B,) in radians about their centre: bilinear, black outside.

    The sampling grid is linear in (cos, sin) of the angle: two rank-one products, far quicker than `affine_grid`.
    """
    height, width = x.shape[-2:]
    of_cos, of_sin = _turning(height, width, x.device)
    grid = torch.outer(angle.cos(), of_cos).addr_(angle.sin(), of_sin).view(-1, height, width, 2)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


@cache
def _turning(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """What cos and sin of an angle are multiplied with to give a grid: twice (H x W x 2,), x before y, in -1 … 1."""
    y, x = torch.meshgrid(_centres(height, device), _centres(width, device), indexing="ij")
    of_cos = torch.stack((x, y), -1)
    of_sin = torch.stack((-y * height / width, x * width / height), -1)
    return of_cos.flatten(), of_sin.flatten()


def _centres(length: int, device: torch.device) -> Tensor:
    return (torch.arange(length, device=device) + 0.5) * 2 / length - 1
