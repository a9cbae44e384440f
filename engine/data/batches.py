"""The order of the images and their augmented views, both keyed by (seed, epoch): every method of one seed sees the same.

Chance is drawn once an epoch for all images, on the CPU so that it is the same on every device, and gathered by index;
a view depends on (seed, epoch, index) and on nothing else of its batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import log

import torch
from torch import Tensor
from torch.nn import functional as F

from engine import seeds
from engine.data.pixels import to_unit
from engine.experiment import DatasetSettings

ASPECT = log(4 / 3)
"""How far the logarithm of a resized crop's width over its height goes either way."""


def order(samples: int, seed: int, epoch: int) -> Tensor:
    """A permutation (samples,) of an epoch's images, on the CPU."""
    return torch.randperm(samples, generator=seeds.generator(seed, "order", epoch))


@dataclass(frozen=True)
class Draws:
    """One epoch's chance for all N images: row and column of the crop in the padded image (2, N), which are mirrored (N,) as
    uint8 0 or 1, the angles (N,) in radians, and left, top, width and height of the resized crop (N, 4) in shares of the image;
    None where the setting is off. `view` (N,) numbers what was drawn, on the
    CPU."""

    epoch: int
    corner: Tensor | None
    mirrored: Tensor | None
    angle: Tensor | None
    view: Tensor
    window: Tensor | None = None


class Views:
    """Augments batches on the device: crop after padding, mirroring, resized crop, rotation; what is off costs nothing.

    `settings` say what is on; `samples` is the number of training images; `seed` the run's.
    """

    def __init__(self, settings: DatasetSettings, samples: int, seed: int, device: torch.device | str) -> None:
        self.settings, self.samples, self.seed = settings, samples, seed
        self.device = torch.device(device)
        self._draws = Draws(-1, None, None, None, torch.empty(0))

    @property
    def distinct(self) -> int:
        """How many views an image has; 0 where there is no end of them."""
        settings = self.settings
        if settings.views:
            return settings.views
        if settings.rotation or settings.resized_crop:
            return 0
        return (2 * settings.crop + 1) ** 2 * (2 if settings.flip else 1)

    def keys(self, index: Tensor, epoch: int) -> Tensor:
        """For the training images at `index` (B,) on the CPU, the number of each pair of image and view (B,), int64, below
        samples x `distinct`."""
        return index * self.distinct + self._at(epoch).view[index]

    def at(self, images: Tensor, index: Tensor, epoch: int) -> Tensor:
        """Views of `images` (B, C, H, W) uint8, the training images at `index` (B,), as float32 in [0, 1]."""
        draws = self._at(epoch)
        if draws.corner is not None:
            row, column = draws.corner.index_select(1, index)
            corner = column.add(row, alpha=images.shape[-1] + 2 * self.settings.crop)
            images = cropped(images, corner, self.settings.crop, self.settings.crop_fill == "reflect")
        if draws.mirrored is not None:
            images = mirrored(images, draws.mirrored.index_select(0, index))
        x = to_unit(images)
        if draws.window is not None:
            x = enlarged(x, draws.window.index_select(0, index))
        return x if draws.angle is None else rotated(x, draws.angle.index_select(0, index))

    def _at(self, epoch: int) -> Draws:
        """The chance of an epoch; with a number of views set, epochs take them in turn."""
        turn = (epoch - 1) % self.settings.views + 1 if self.settings.views else epoch
        if self._draws.epoch != turn:
            self._draws = self._drawn(turn)
        return self._draws

    def _drawn(self, epoch: int) -> Draws:
        """Every kind of chance has a generator of its own, so that switching one on leaves the others as they were."""
        settings, count = self.settings, self.samples
        corner = flips = angle = window = None
        view = torch.zeros(count, dtype=torch.int64)
        if settings.crop:
            corner = torch.randint(2 * settings.crop + 1, (2, count), generator=self._chance("crop", epoch))
            view = corner[0] * (2 * settings.crop + 1) + corner[1]
        if settings.flip:
            flips = torch.randint(2, (count,), generator=self._chance("flip", epoch), dtype=torch.uint8)
            view = 2 * view + flips
        if settings.rotation:
            share = torch.rand(count, generator=self._chance("rotation", epoch)) * 2 - 1
            angle = torch.deg2rad(share * settings.rotation)
        if settings.resized_crop:
            window = windows(count, settings.resized_crop, self._chance("resized crop", epoch))
        if settings.views:
            view = torch.full((count,), epoch - 1)
        return Draws(epoch, self._there(corner), self._there(flips), self._there(angle), view, self._there(window))

    def _there(self, drawn: Tensor | None) -> Tensor | None:
        return None if drawn is None else drawn.to(self.device)

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


def windows(count: int, smallest: float, chance: torch.Generator) -> Tensor:
    """Random parts of `count` square images: left, top, width, height (count, 4) in shares of the side. The share of the area
    is uniform in `smallest` … 1 and the logarithm of width over height in log 3/4 … log 4/3, the ranges of
    RandomResizedCrop (Szegedy et al. 2015); a side that would be longer than the image's is cut to it."""
    area, aspect, across, down = torch.rand((4, count), generator=chance)
    area = smallest + (1 - smallest) * area
    aspect = torch.exp((2 * aspect - 1) * ASPECT)
    width, height = ((area * share).sqrt().clamp(max=1.0) for share in (aspect, 1 / aspect))
    return torch.stack((across * (1 - width), down * (1 - height), width, height), 1)


def enlarged(x: Tensor, window: Tensor) -> Tensor:
    """The parts `window` (B, 4) of images (B, C, H, W), as `windows` gives them, enlarged to (B, C, H, W): bilinear. Nothing is
    made smaller, so nothing aliases; beyond the outermost pixels' centres their colours go on."""
    height, width = x.shape[-2:]
    left, top, wide, high = window.unsqueeze(-1).unbind(1)
    columns = 2 * left + wide * (_centres(width, x.device) + 1) - 1
    rows = 2 * top + high * (_centres(height, x.device) + 1) - 1
    grid = torch.stack(
        (columns[:, None, :].expand(-1, height, -1), rows[:, :, None].expand(-1, -1, width)), -1
    )  # fmt: skip
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


@cache
def _turning(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """What cos and sin of an angle are multiplied with to give a grid: twice (H x W x 2,), x before y, in -1 … 1."""
    y, x = torch.meshgrid(_centres(height, device), _centres(width, device), indexing="ij")
    of_cos = torch.stack((x, y), -1)
    of_sin = torch.stack((-y * height / width, x * width / height), -1)
    return of_cos.flatten(), of_sin.flatten()


def _centres(length: int, device: torch.device) -> Tensor:
    return (torch.arange(length, device=device) + 0.5) * 2 / length - 1
