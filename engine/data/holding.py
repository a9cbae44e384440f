"""What a dataset holds, looked at without a run: its classes and how many images each has, some images, and the mean and
deviation of its pixels. Nothing is downloaded unless it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine import data, seeds
from engine.data.courier import Courier
from engine.data.images import CHUNK, Files, Here, Images
from engine.data.loading import SAMPLE
from engine.data.pictures import Pile, Source
from engine.data.pixels import levels, mean_and_std
from engine.decoding.images import DataError
from engine.downloads import Remote
from engine.experiment import DatasetSettings

SHOWN = 24
"""Images that are shown."""
LARGEST = 64
"""Side to which larger images are made smaller to be shown."""


@dataclass(frozen=True)
class Sample:
    """One training image: the name of its class (empty where there is none) and its pixels, (H, W, C) uint8."""

    label: str
    pixels: Tensor


@dataclass(frozen=True)
class Holding:
    """What is there: class names, how many images of each class (all in one where there are no labels) in the parts, the shape
    (C, H, W), mean and std per channel of pixels in [0, 1] over `measured` training images, samples, notes."""

    classes: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    measured: int
    samples: tuple[Sample, ...]
    notes: tuple[str, ...]


class AwayError(DataError):
    """The data is not on this machine yet, and was not to be downloaded."""


class Stay(Courier):
    """A courier that takes what is there and downloads nothing."""

    def fetch(self, remote: Remote, path: Path) -> Path:
        """The file at `path`. Raises AwayError where it is not there, or is not whole."""
        if not (path.is_file() and remote.fits(path)):
            size = f" ({remote.bytes / 1e6:.0f} MB)" if remote.bytes else ""
            raise AwayError(f"{path.name}{size} is not on this machine yet; it is downloaded when a run first wants it")
        return path


def look(settings: DatasetSettings, courier: Courier) -> Holding:
    """Read a dataset as a run would. Raises DataError, and AwayError where `courier` stays at home; Stopped."""
    source = data.source(settings, courier)
    index = _measured(source.train.images)
    counts = torch.zeros((source.train.images.channels, 256), dtype=torch.long)
    done = 0
    for made in source.train.images.read(index.split(CHUNK), source.side, Here()):
        counts += levels(made)
        courier.say("images measured", done := done + len(made), len(index), "images")
    mean, std = mean_and_std(counts)
    names = source.class_names if source.labelled else ()
    parts = {"train": source.train, "held-out": source.heldout, "test": source.test}
    return Holding(
        classes=source.class_names,
        counts={name: _per_class(name, pile, source) for name, pile in parts.items() if pile is not None},
        shape=(source.train.images.channels, source.side, source.side), mean=mean, std=std, measured=len(index),
        samples=_samples(source.train, min(source.side, LARGEST), names), notes=source.notes,
    )  # fmt: skip


def _measured(images: Images) -> Tensor:
    """All where they are in memory, a seeded sample where files would have to be decoded."""
    count = len(images)
    if not isinstance(images, Files) or count <= SAMPLE:
        return torch.arange(count)
    return torch.randperm(count, generator=seeds.generator(0, "statistics"))[:SAMPLE].sort().values


def _per_class(part: str, pile: Pile, source: Source) -> tuple[int, ...]:
    if part == "train" and not source.labelled:
        return (len(pile.labels),)
    return tuple(int(n) for n in torch.bincount(pile.labels, minlength=len(source.class_names)))


def _samples(pile: Pile, side: int, names: Sequence[str]) -> tuple[Sample, ...]:
    """A seeded choice, as many of each class as there is room for."""
    index = _chosen(pile.labels, len(names))
    pixels = next(iter(pile.images.read([index], side, Here())))
    labels = pile.labels[index].tolist()
    return tuple(Sample(names[n] if names else "", each.permute(1, 2, 0)) for n, each in zip(labels, pixels))


def _chosen(labels: Tensor, classes: int) -> Tensor:
    """(n,) positions: class by class where every class gets one at least, else of seeded classes."""
    chance = seeds.generator(0, "samples")
    order = torch.randperm(len(labels), generator=chance)
    if not classes:
        return order[:SHOWN]
    wanted = torch.arange(classes) if classes <= SHOWN else torch.randperm(classes, generator=chance)[:SHOWN].sort().values
    each = max(1, SHOWN // classes)
    return torch.cat([order[labels[order] == label][:each] for label in wanted])
