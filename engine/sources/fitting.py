"""A net from elsewhere made fit for a dataset: its own normalization, and its outputs in the order of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from engine.class_order import OrderError, by_name, reordered
from engine.data import Pictures
from engine.nets.net import Net, seeded
from engine.normalization import KNOWN, TITLES, Constants, constants
from engine.sources.record import Brought, Errand, Record, Settings, SourceError


def normalized(net: Net, choice: str, record: Record, pictures: Pictures, errand: Errand) -> tuple[str, ...]:
    """Give the net the chosen normalization (see `NetSettings.normalization`); gives notes. Raises SourceError."""
    if choice == "auto":
        if record.constants is not None:
            renormalize(net, record.constants)
        return ()
    wanted = (pictures.mean, pictures.std) if choice == "dataset" else constants(choice, net.frame.channels)
    if wanted is None:
        count = len(KNOWN[choice][0])
        sentence = f"{TITLES[choice]} constants are of {count} channels, and these images have {net.frame.channels}"
        raise errand.refuse("normalization", f"{sentence}; choose auto, dataset, half or none")
    renormalize(net, wanted)
    return (f"{record.name} is normalized otherwise than by itself: {TITLES[choice]}, as was asked.",)


def renormalize(net: Net, wanted: Constants) -> None:
    """Replace the normalization that a net carries. Raises SourceError for another number of channels."""
    mean, std = (tuple(float(v) for v in part) for part in wanted)
    if len(mean) != net.frame.channels:
        raise SourceError(
            f"{net.frame.key} takes {net.frame.channels} channels, and its weights were normalized for {len(mean)}"
        )
    with torch.no_grad():
        net.mean.copy_(torch.tensor(mean).reshape(net.mean.shape))
        net.std.copy_(torch.tensor(std).reshape(net.std.shape))
    net.frame = replace(net.frame, mean=mean, std=std)


def check_images(net: Net, pictures: Pictures, errand: Errand) -> None:
    """Raises SourceError where the net was made for images of another size or other channels."""
    frame = net.frame
    if (frame.channels, frame.size) != pictures.shape[:2]:
        own, these = f"{frame.channels}x{frame.size}x{frame.size}", "x".join(str(n) for n in pictures.shape)
        hint = f"set dataset.size to {frame.size}" if frame.channels == pictures.shape[0] else "choose another one"
        raise SourceError(f"the {errand.who}, a {frame.key}, was trained on {own} images, these are {these}; {hint}")


def ordered(net: Net, record: Record, settings: Settings, pictures: Pictures, errand: Errand, notes: Sequence[str]) -> Brought:
    """The net with its outputs in the order of the dataset's classes."""
    names, said = pictures.class_names, list(notes)
    if settings.class_order:
        order = tuple(settings.class_order)
        if len(order) != len(names):
            raise errand.refuse("class_order", f"it holds {len(order)} positions, the dataset has {len(names)} classes")
    elif record.classes:
        try:
            order = by_name(record.classes, names)
        except OrderError as error:
            if settings.source == "pretrained":
                net = _new_head(net, len(names), errand.generator)
                return Brought(net, record, tuple(range(len(names))), strange=True, notes=tuple(said))
            raise _others(errand, record, str(error)) from error
        if order != tuple(range(len(record.classes))):
            said.append(f"The classes of {record.name} stand in another order, or are more; they are matched by their names.")
    elif net.frame.classes == len(names):
        order = tuple(range(len(names)))
    else:
        count = f"it tells {net.frame.classes} classes apart, the dataset has {len(names)}"
        raise _others(errand, record, count)
    reordered(net, order)
    return Brought(net, record, order, notes=tuple(said))


def _others(errand: Errand, record: Record, what: str) -> SourceError:
    return SourceError(
        f"the {errand.who} cannot be {record.name}: {what}. Choose one that was trained on these classes, or say in "
        f"{errand.who}.class_order which of its outputs stands for each"
    )


def _new_head(net: Net, classes: int, generator: torch.Generator) -> Net:
    """The net with a fresh last layer for other classes."""
    with seeded(generator):
        head: Any = torch.nn.Linear(net.head.in_features, classes)
    net.head.weight, net.head.bias, net.head.out_features = head.weight, head.bias, classes
    net.frame = replace(net.frame, classes=classes)
    return net
