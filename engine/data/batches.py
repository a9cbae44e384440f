"""The order of the images and their augmented views, both keyed by (seed, epoch): every method of one seed sees the same.

Chance is drawn once an epoch for all images, on the CPU so that it is the same on every device, and gathered by index;
a view depends on (seed, epoch, index) and on nothing else of its batch.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """One epoch's chance for all N images: where the crop starts in the padded, flattened image (N,), which are
    mirrored (N,) as 0 or 1, and the angles (N,) in radians; None where the setting is off."""

    epoch: int
    start: Tensor | None
    mirrored: Tensor | None
    angle: Tensor | None


class Views:
    """Augments batches on the device: crop after padding, mirroring, rotation; what is off costs nothing.

    `settings` say what is on; `samples` is the number of training images; `seed` the run's.
    """

    def __init__(self, settings: DatasetSettings, samples: int, seed: int, device: torch.device | str) -> None:
        self.settings, self.samples, self.seed = settings, samples, seed
        self.device = torch.device(device)
        self._moves = settings.crop > 0 or settings.flip
        self._draws = Draws(-1, None, None, None)
        self._maps = Maps(settings, self.device)

    def at(self, images: Tensor, index: Tensor, epoch: int) -> Tensor:
        """Views of `images` (B, C, H, W) uint8, the training images at `index` (B,), as float32 in [0, 1]."""
        draws = self._of_epoch(epoch, images.shape[-1])
        if self._moves:
            images = self._maps.applied(images, _take(draws.start, index), _take(draws.mirrored, index))
        x = to_unit(images)
        return x if draws.angle is None else rotated(x, draws.angle[index])

    def _of_epoch(self, epoch: int, side: int) -> Draws:
        if self._draws.epoch != epoch:
            self._draws = self._drawn(epoch, side)
        return self._draws

    def _drawn(self, epoch: int, side: int) -> Draws:
        """Every kind of chance has a generator of its own, so that switching one on leaves the others as they were."""
        start = mirrored = angle = None
        if crop := self.settings.crop:
            offset = torch.randint(2 * crop + 1, (2, self.samples), generator=self._chance("crop", epoch))
            start = (offset[0] * (side + 2 * crop) + offset[1]).to(self.device)
        if self.settings.flip:
            mirrored = torch.randint(2, (self.samples,), generator=self._chance("flip", epoch)).to(self.device)
        if self.settings.rotation:
            share = torch.rand(self.samples, generator=self._chance("rotation", epoch)) * 2 - 1
            angle = torch.deg2rad(share * self.settings.rotation).to(self.device)
        return Draws(epoch, start, mirrored, angle)

    def _chance(self, kind: str, epoch: int) -> torch.Generator:
        return seeds.generator(self.seed, "augmentation", kind, epoch)


class Maps:
    """Where each pixel of a view comes from, as positions in the padded, flattened image; made once for each shape."""

    def __init__(self, settings: DatasetSettings, device: torch.device) -> None:
        self.crop, self.reflect, self.device = settings.crop, settings.crop_fill == "reflect", device
        self._shape: tuple[int, int] | None = None
        self._window = torch.empty(0)
        self._source = torch.empty(0)

    def applied(self, images: Tensor, start: Tensor | None, mirrored: Tensor | None) -> Tensor:
        """Cropped and mirrored images (B, C, H, W); `start` (B,) and `mirrored` (B,) as in `Draws`."""
        height, width = images.shape[-2:]
        if self._shape != (height, width):
            self._lay_out(height, width)
        position = self._window[:1] if mirrored is None else self._window[mirrored]
        if start is not None:
            position = position + start[:, None]
        if self.crop and self.reflect:
            position = self._source[position]
        elif self.crop:
            images = F.pad(images, (self.crop,) * 4)
        flat = images.flatten(2)
        return flat.gather(2, position[:, None].expand(len(flat), flat.shape[1], -1)).unflatten(2, (height, width))

    def _lay_out(self, height: int, width: int) -> None:
        """`_window` (2, H·W): an unshifted view's positions in the padded image, as it is and mirrored. `_source`: the
        image's own position behind each position of the padded image, where padding reflects."""
        wide = width + 2 * self.crop
        rows = torch.arange(height)[:, None] * wide
        columns = torch.arange(width)
        plain, mirrored = (rows + columns).flatten(), (rows + columns.flip(0)).flatten()
        self._window = torch.stack((plain, mirrored)).to(self.device)
        sources = _reflected(height, self.crop)[:, None] * width + _reflected(width, self.crop)
        self._source = sources.flatten().to(self.device)
        self._shape = (height, width)


def _reflected(length: int, padding: int) -> Tensor:
    """(length + 2·padding,) positions in 0 … length-1, mirrored at the borders without repeating them."""
    period = max(2 * (length - 1), 1)
    there = (torch.arange(-padding, length + padding) % period).abs()
    return torch.minimum(there, period - there) if length > 1 else torch.zeros_like(there)


def rotated(x: Tensor, angle: Tensor) -> Tensor:
    """Images (B, C, H, W) turned counter-clockwise by `angle` (B,) in radians about their centre: bilinear, black outside."""
    height, width = x.shape[-2:]
    cos, sin, none = angle.cos(), angle.sin(), torch.zeros_like(angle)
    rows = (cos, -sin * (height / width), none, sin * (width / height), cos, none)
    grid = F.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _take(values: Tensor | None, index: Tensor) -> Tensor | None:
    return None if values is None else values[index]
