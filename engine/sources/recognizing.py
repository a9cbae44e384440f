"""What a checkpoint is that somebody hands over without a word: which net, of how many classes, published by whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from engine import nets, published
from engine.export import header
from engine.extras import catalogue
from engine.nets import NetError
from engine.nets.weights import classes_told, from_file, state_of
from engine.sources.origins import fingerprint

SIDES = (32, 64)
"""Sides of images that are tried after the one that was asked about."""

LARGE = (3, 224)
"""Channels and side for which torchvision's nets are tried, after all others."""

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
TORCHVISION = "torchvision."
COUNTED, MOST = 100, 2000
"""Classes with which the catalogue counts, and more of them than are looked for."""
OTHERWISE = 0.2
"""Share of its parameters by which a build of a net differs from the listed one: other shortcuts, other channels."""


@dataclass(frozen=True)
class Recognized:
    """A checkpoint: the nets whose weights it may hold (mostly one), for images of so many channels, how many classes it tells
    apart, their names and its accuracy where somebody recorded them, and by what name it is published (empty: unknown)."""

    nets: tuple[str, ...]
    channels: int
    classes: int
    names: tuple[str, ...] = ()
    top1: float | None = None
    published: str = ""

    def in_words(self) -> str:
        """`resnet56, 100 classes, published as cifar100-resnet56, 72.63 %`."""
        said = [" or ".join(self.nets), f"{self.classes} classes"]
        said += [f"published as {self.published}"] if self.published else []
        return ", ".join([*said, *([f"{self.top1:.2f} %"] if self.top1 is not None else [])])


def recognize(path: Path, channels: int, size: int) -> Recognized:
    """What a checkpoint holds; images of `channels` and `size` are tried first. Raises NetError where it cannot be read, and
    where it fits none of the nets."""
    if path.suffix == ".safetensors" and path.is_file() and header.is_student(path):
        return _student(path)
    state = state_of(path)
    small = _likely(state, (*nets.keys(), *nets.own_keys()))
    tried = [(small, count, side) for count in _channels(state, channels) for side in dict.fromkeys((size, *SIDES))]
    for keys, count, side in (*tried, (_likely(state, nets.torchvision_keys()), *LARGE)):
        told = dict(_fitting(state, keys, count, side))
        if told:
            return _named(path, told, count, side)
    raise NetError(f"{path.name} fits none of the nets here: {_about(state)}. {_ADVICE}")


_ADVICE = "A net of your own is one file in the plug-in folder, which `kdstudio doctor` names"


def _student(path: Path) -> Recognized:
    described = header.describe(path)
    net, about = described["net"], described["about"]
    top1 = about.get("top1")
    names = tuple(str(name) for name in about.get("classes", ()))
    return Recognized((net["key"],), net["channels"], net["classes"], names, None if top1 is None else float(top1))


def _fitting(state: Mapping[str, Tensor], keys: Sequence[str], channels: int, side: int) -> Iterator[tuple[str, int]]:
    """The nets that have every key of the state dict and lack none, each with its classes."""
    for key in keys:
        try:
            told = classes_told(state, key, channels=channels, size=side)
        except NetError:  # a net that takes no such images
            continue
        if told:
            yield key, told


def _channels(state: Mapping[str, Tensor], asked: int) -> tuple[int, ...]:
    """Channels of the images: those of the first convolution, else what was asked about and what is usual."""
    first = next((t.shape[1] for t in state.values() if t.ndim == 4), 0)
    return (first,) if first in (1, 3) else tuple(dict.fromkeys((asked, 3, 1)))


def _likely(state: Mapping[str, Tensor], keys: Sequence[str]) -> tuple[str, ...]:
    """The nets of about as many parameters as a state dict, whatever number of classes it tells apart: to build them all and
    look takes long. Those nobody counted are likely, too, but for torchvision's, which are many and large."""
    own, known = sum(t.numel() for k, t in state.items() if not k.endswith(STATISTICS)), catalogue().nets
    found = []
    for key in keys:
        card = known.get(key)
        if card is None and key.startswith(TORCHVISION):
            continue
        if card is not None:
            least = (1 - OTHERWISE) * card.parameters - COUNTED * card.per_class[0]
            if not least <= own <= (1 + OTHERWISE) * card.parameters + MOST * card.per_class[0]:
                continue
        found.append(key)
    return tuple(found)


def _named(path: Path, told: Mapping[str, int], channels: int, side: int) -> Recognized:
    for key, classes in told.items():
        zeros, ones = (0.0,) * channels, (1.0,) * channels
        net, _ = from_file(path, key, classes=classes, channels=channels, size=side, mean=zeros, std=ones)
        known = published.recognized(key, fingerprint(net))
        if known is not None:
            return Recognized((key,), channels, classes, known.classes, known.top1, known.name)
    return Recognized(tuple(told), channels, max(told.values()))


def _about(state: Mapping[str, Tensor]) -> str:
    """What there is in a state dict that fits nothing."""
    first = ", ".join(list(state)[:3])
    return f"it holds {len(state)} tensors, such as {first}, {sum(t.numel() for t in state.values()):,} numbers altogether"
