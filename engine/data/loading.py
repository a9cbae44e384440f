"""From settings to a dataset: split, subset, held-out part, size, statistics, and whether it fits; the same for all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import psutil
import torch
from torch import Tensor

from engine import seeds
from engine.data import keeping
from engine.data.courier import Courier
from engine.data.images import CHUNK, Decoder, Files, Here
from engine.data.pictures import Loading, Pictures, Pile, Source
from engine.data.pixels import levels, mean_and_std
from engine.data.sides import Sides
from engine.data.split import Resident, Split
from engine.data.splits import stratified
from engine.data.streaming import Streamed
from engine.decoding.crew import Crew, usual_workers
from engine.decoding.images import DataError
from engine.experiment import DatasetSettings

ROOM = 0.6
"""The share of free memory that a dataset may fill; the rest is for nets and their activations."""

FEW = 2000
"""So many files are decoded sooner than processes that help with it have started."""

SAMPLE = 2048
"""Images that mean and deviation are taken from where all of them would have to be decoded for it."""

MORE = {
    "test": "Add images to each class, or bring test images in a folder test/ beside train/",
    "subset": "Add images to each class, or set dataset.subset to 1",
    "held-out": "Add images to each class, raise dataset.subset, or set dataset.holdout to 0 and run.selection to last",
}
"""What to do where a part of the images would be empty."""


Splits = tuple[Split, Split | None, Split | None]
"""Train, held-out and test."""


def assemble(source: Source, settings: DatasetSettings, sides: Sides, device: torch.device, courier: Courier) -> Pictures:
    """A dataset on the device, or streaming there. Raises DataError where settings and images do not fit together."""
    side, notes = _side(source, settings, sides)
    _check_crop(settings, side)
    channels = source.train.images.channels
    need = sum(len(pile.labels) for pile in _piles(source, settings) if pile) * channels * side * side
    budget = int(ROOM * free(device))
    loading = _loading(settings, need, budget, side, device)
    crew = Crew(_workers(settings, loading), channels, side)
    try:
        place = _in_memory if loading == "memory" else _streaming
        (train, heldout, test), counts, said = place(source, settings, side, device, crew, courier)
    except BaseException:
        crew.close()
        raise
    if loading == "stream":
        said = (_words(source.train, settings, side, need, budget, device, crew), *said)
    mean, std = mean_and_std(counts)
    labelled = settings.labels and source.labelled
    return Pictures(
        train=train if labelled else train.with_labels(None),
        heldout=heldout if labelled or heldout is None else heldout.with_labels(None),
        test=test,
        class_names=source.class_names,
        mean=mean,
        std=std,
        shape=(channels, side, side),
        notes=(*source.notes, *notes, *said),
        settings=settings,
        loading=loading,
        bytes=need,
        budget=budget,
        end=crew.close,
    )


Placed = tuple[Splits, Tensor, tuple[str, ...]]
"""The splits, the grey levels of the training images (C, 256), and sentences."""


def _in_memory(
    source: Source, settings: DatasetSettings, side: int, device: torch.device, crew: Crew, courier: Courier
) -> Placed:  # fmt: skip
    known, notes = _decoded(source, settings, side, crew, courier)
    first, *others = _piles(known, settings)
    train = _resident(first, side, device, crew, courier)
    heldout, test = (None if pile is None else _resident(pile, side, device, crew, courier) for pile in others)
    crew.close()
    return (train, heldout, test), levels(train.images), notes


def _streaming(
    source: Source, settings: DatasetSettings, side: int, device: torch.device, crew: Crew, courier: Courier
) -> Placed:  # fmt: skip
    first, *others = _piles(source, settings)
    heldout, test = (None if pile is None else _streamed(pile, side, device, crew) for pile in others)
    counts, notes = _sampled(first, side, crew, courier)
    return (_streamed(first, side, device, crew), heldout, test), counts, notes


def free(device: torch.device) -> int:
    """Bytes that are free on a device."""
    return int(torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available)


def _loading(settings: DatasetSettings, need: int, budget: int, side: int, device: torch.device) -> Loading:
    """Where the images go. Raises DataError where they are to be in memory and do not fit."""
    if settings.loading == "auto":
        return "memory" if need <= budget else "stream"
    if settings.loading == "memory" and need > budget:
        raise DataError(
            f"dataset.loading: the images take {need / 1e9:.1f} GB as {side}x{side} pixels and may fill {budget / 1e9:.1f} GB "
            f"({ROOM:.0%} of what is free on {device}); set it to auto, or set a smaller dataset.size or dataset.subset"
        )
    return settings.loading


def _workers(settings: DatasetSettings, loading: Loading) -> int:
    """Processes that decode: before a run begins it needs no core for itself."""
    return int(settings.workers) if settings.workers != "auto" else usual_workers(1 if loading == "stream" else 0)


def _words(
    pile: Pile, settings: DatasetSettings, side: int, need: int, budget: int, device: torch.device, crew: Crew
) -> str:  # fmt: skip
    why = (
        f"they take {need / 1e9:.1f} GB as {side}x{side} pixels, and {budget / 1e9:.1f} GB may be filled ({ROOM:.0%} of what "
        f"is free on {device})"
        if settings.loading == "auto"
        else "dataset.loading says so"
    )
    who = "1 process decodes them" if crew.workers == 1 else f"{crew.workers} processes decode them"
    how = f"decoded ahead ({who})" if isinstance(pile.images, Files) else "from memory"
    return f"The images stream to {device} batch by batch, {how}: {why}."


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
    """Train, held-out and test: what the dataset brings, and seeded stratified shares for what it does not. Images without
    labels give no test, for nothing could be tested on them."""
    train, test, heldout = source.train, source.test, source.heldout
    if test is None and source.labelled:
        test, train = _divided(train, settings.split, settings, source.class_names, "test")
    if settings.subset < 1:
        train, _ = _divided(train, settings.subset, settings, source.class_names, "subset")
    if settings.holdout == 0:
        heldout = None
    elif heldout is None:
        heldout, train = _divided(train, settings.holdout, settings, source.class_names, "held-out")
    return train, heldout, test


def _divided(pile: Pile, share: float, settings: DatasetSettings, names: Sequence[str], purpose: str) -> tuple[Pile, Pile]:
    """A stratified share and the rest. Raises DataError where the classes are too small to give an image."""
    chosen, rest = stratified(pile.labels, share, settings.split_seed, purpose)
    if not len(chosen):
        scarce = int(pile.labels[0])
        raise DataError(
            f"no image can be taken for the {purpose} part: every class has a single image left, such as "
            f"{names[scarce]!r} with 1; two are needed at least. {MORE[purpose]}"
        )
    return pile.part(chosen), pile.part(rest)


def _decoded(
    source: Source, settings: DatasetSettings, side: int, crew: Crew, courier: Courier
) -> tuple[Source, tuple[str, ...]]:
    """The same with images out of what an earlier run decoded, or decoded now to be kept, where they are many and all are to
    be used; and sentences about it."""
    notes: list[str] = []

    def changed(pile: Pile, whole: bool) -> Pile:
        if not isinstance(pile.images, Files) or len(pile.labels) <= FEW:
            return pile
        found = keeping.kept(pile, side)
        if found is None and whole:
            found, said = keeping.keep(pile, side, crew, courier)
            notes.extend(said)
        return found or pile

    train = changed(source.train, settings.subset == 1)
    test, heldout = (None if pile is None else changed(pile, True) for pile in (source.test, source.heldout))
    return dataclasses.replace(source, train=train, test=test, heldout=heldout), tuple(notes)


def _resident(pile: Pile, side: int, device: torch.device, crew: Crew, courier: Courier) -> Resident:
    count, files = len(pile.labels), isinstance(pile.images, Files)
    decoder: Decoder = crew if files and count > FEW else Here()
    images = torch.empty((count, pile.images.channels, side, side), dtype=torch.uint8, device=device)
    chunks = torch.arange(count).split(CHUNK)
    for index, made in zip(chunks, pile.images.read(chunks, side, decoder)):
        if files:
            courier.say("images decoded", int(index[0]), count, "images")
        images[index[0] : index[0] + len(index)] = made
    if files:
        courier.say("images decoded", count, count, "images")
    return Resident(images, pile.labels.to(device))


def _streamed(pile: Pile, side: int, device: torch.device, crew: Crew) -> Streamed:
    return Streamed(pile.images, pile.labels.to(device), device, side, crew)


def _sampled(pile: Pile, side: int, crew: Crew, courier: Courier) -> tuple[Tensor, tuple[str, ...]]:
    """Grey levels of a seeded sample of the training images, or of all where they are few, and the sentence that says so."""
    count = min(SAMPLE, len(pile.labels))
    chance = seeds.generator(pile_seed := 0, "statistics")
    chosen = torch.randperm(len(pile.labels), generator=chance)[:count].sort().values
    chunks, counts, done = chosen.split(CHUNK), torch.zeros((pile.images.channels, 256), dtype=torch.long), 0
    for made in pile.images.read(chunks, side, crew):
        counts += levels(made)
        courier.say("images measured", done := done + len(made), count, "images")
    if count == len(pile.labels):
        return counts, ()
    return counts, (f"Mean and deviation of the pixels are those of {count} training images, drawn with seed {pile_seed}.",)
