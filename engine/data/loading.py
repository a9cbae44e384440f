"""From settings to a dataset in memory: split, subset, held-out part, size, statistics; the same for every dataset."""

from __future__ import annotations

import psutil
import torch

from engine.data.pictures import DataError, Pictures, Pile, Sides, Source
from engine.data.pixels import mean_and_std
from engine.data.split import Resident
from engine.data.splits import stratified
from engine.experiment import DatasetSettings

ROOM = 0.6
"""The share of free memory that a dataset may fill; the rest is for nets and their activations."""

MORE = {
    "test": "Add images to each class, or bring test images in a folder test/ beside train/",
    "subset": "Add images to each class, or set dataset.subset to 1",
    "held-out": "Add images to each class, raise dataset.subset, or set dataset.holdout to 0 and run.selection to last",
}
"""What to do where a part of the images would be empty."""


def assemble(source: Source, settings: DatasetSettings, sides: Sides, device: torch.device) -> Pictures:
    """A dataset as tensors on the device. Raises DataError where settings and images do not fit together."""
    side, notes = _side(source, settings, sides)
    _check_crop(settings, side)
    piles = _piles(source, settings)
    _check_room(piles, source.channels, side, device)
    train, heldout, test = (_read(pile, side, device) for pile in piles)
    assert train is not None
    mean, std = mean_and_std(train.images)
    return Pictures(
        train=train if settings.labels else train.without_labels(),
        heldout=heldout if settings.labels or heldout is None else heldout.without_labels(),
        test=test,
        class_names=source.class_names,
        mean=mean,
        std=std,
        shape=(source.channels, side, side),
        notes=(*source.notes, *notes),
        settings=settings,
    )


def _side(source: Source, settings: DatasetSettings, sides: Sides) -> tuple[int, tuple[str, ...]]:
    """The side of the images in this run, and the sentence that says what was resized and why."""
    own = source.side
    if settings.size == "auto":
        side = sides.nearest(own)
        why = f"because {sides.because}"
    else:
        side = int(settings.size)
        why = "because dataset.size says so"
        if not sides.takes(side):
            raise DataError(f"dataset.size: {side} pixels do not suit, for {sides.because}; use auto or {sides.nearest(side)}")
    return side, () if side == own else (f"The images are resized from {own}x{own} to {side}x{side} pixels, {why}.",)


def _check_crop(settings: DatasetSettings, side: int) -> None:
    if settings.crop >= side:
        raise DataError(
            f"dataset.crop: padding {settings.crop} pixels around images of {side}x{side} could leave nothing of an image; "
            f"use less than {side}"
        )


def _piles(source: Source, settings: DatasetSettings) -> tuple[Pile, Pile | None, Pile | None]:
    """Train, held-out and test: what the dataset brings, and seeded stratified shares for what it does not."""
    train, test, heldout = source.train, source.test, source.heldout
    if test is None:
        test, train = _divided(train, settings.split, settings, source.class_names, "test")
    if settings.subset < 1:
        train, _ = _divided(train, settings.subset, settings, source.class_names, "subset")
    if settings.holdout == 0:
        heldout = None
    elif heldout is None:
        heldout, train = _divided(train, settings.holdout, settings, source.class_names, "held-out")
    return train, heldout, test


def _divided(pile: Pile, share: float, settings: DatasetSettings, names: tuple[str, ...], purpose: str) -> tuple[Pile, Pile]:
    """A stratified share and the rest. Raises DataError where the classes are too small to give an image."""
    chosen, rest = stratified(pile.labels, share, settings.split_seed, purpose)
    if not len(chosen):
        scarce = int(pile.labels[0])
        raise DataError(
            f"no image can be taken for the {purpose} part: every class has a single image left, such as "
            f"{names[scarce]!r} with 1; two are needed at least. {MORE[purpose]}"
        )
    return _part(pile, chosen), _part(pile, rest)


def _part(pile: Pile, index: torch.Tensor) -> Pile:
    return Pile(pile.labels[index], lambda positions, side: pile.images(index[positions], side))


def _read(pile: Pile | None, side: int, device: torch.device) -> Resident | None:
    if pile is None:
        return None
    images = pile.images(torch.arange(len(pile.labels)), side)
    return Resident(images.contiguous().to(device), pile.labels.to(device))


def _check_room(piles: tuple[Pile | None, ...], channels: int, side: int, device: torch.device) -> None:
    need = sum(len(p.labels) for p in piles if p) * channels * side * side
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    if need > ROOM * free:
        raise DataError(
            f"the images take {need / 1e9:.1f} GB as {side}x{side} pixels and {free / 1e9:.1f} GB are free on {device}; "
            "set a smaller dataset.size or dataset.subset"
        )
