"""The nets: each file declares `NETS`; each net names its taps and its input sizes and carries its own normalization.

Beside the nets of this folder there are torchvision's, by `torchvision.<name>`, and those of the user's plug-in folder.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from engine.cards import NetCard, counted_as
from engine.knobs import did_you_mean
from engine.nets.net import Design, Frame, Ghostly, Net, NetError, Place, Tap, seeded
from engine.quantize.sizes import Layers

if TYPE_CHECKING:
    from engine.nets.torchvision_published import Pretrained

__all__ = [
    "Design", "Frame", "Measured", "Net", "NetError", "Place", "Tap", "build", "card", "ghost", "keys", "measured", "own_keys",
    "own_problems", "torchvision_keys", "torchvision_weights", "variants",
]  # fmt: skip

TORCHVISION = "torchvision."
"""What the keys of torchvision's nets begin with."""

COMPARED = (3, 32, 100)
"""Channels, side and classes for which every net is counted, so that nets compare; the side is larger where it must be."""


@cache
def _designs() -> Mapping[str, Design]:
    modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    return {design.key: design for module in modules for design in getattr(module, "NETS", ())}


def _design(key: str) -> Design:
    if key in _designs():
        return _designs()[key]
    if key.startswith(TORCHVISION):
        from engine.nets import torchvision_nets

        return torchvision_nets.design(key)
    own = _own()
    if key in own.designs:
        return own.designs[key]
    raise NetError(f"there is no net {key!r}{_instead(key, own.problems)}")


def _instead(key: str, problems: Sequence[str]) -> str:
    from engine import plugins

    known = (*keys(), *own_keys())
    own = f"those you write yourself into {plugins.folder() / 'nets'}"
    words = did_you_mean(key, known) or f"; the nets are {', '.join(known)}, {TORCHVISION}<name> and {own}"
    return words + (f". One of your own files cannot be used: {problems[0]}" if problems else "")


def _own() -> Any:
    from engine.nets import own

    return own.found(keys())


def keys() -> tuple[str, ...]:
    """The nets of this folder."""
    return tuple(_designs())


def own_keys() -> tuple[str, ...]:
    """The nets in the user's plug-in folder."""
    return tuple(_own().designs)


def own_problems() -> tuple[str, ...]:
    """Why files in the plug-in folder cannot be used, each by file and line."""
    return tuple(_own().problems)


def torchvision_keys() -> tuple[str, ...]:
    """torchvision's classification nets."""
    from engine.nets import torchvision_nets

    return torchvision_nets.keys()


def torchvision_weights(key: str) -> Pretrained:
    """The weights torchvision publishes for one of its nets: address, checksum, normalization, classes. Raises NetError."""
    from engine.nets.torchvision_published import published

    return published(key)


def variants(key: str) -> tuple[str, ...]:
    """The builds of a net that a checkpoint may hold, the listed one (empty) first."""
    return ("", *_design(key).variants)


class Measured(NamedTuple):
    """What a net comes to for images of one shape: parameters, multiply-adds, the shape of every tap, and what one more
    class adds to both counts (zeros where the classifier is no linear layer)."""

    parameters: int
    multiply_adds: int
    taps: Mapping[str, tuple[int, ...]]
    per_class: tuple[int, int]


def card(key: str) -> NetCard:
    """What the catalogue says of a net, counted for 3 x 32 x 32 images (larger where it must be) and 100 classes. Raises
    NetError for an unknown net, and for one of the user's own that cannot work."""
    design = _design(key)
    if key not in _designs() and not key.startswith(TORCHVISION):
        from engine.nets import own

        own.check(design, _own().paths[key], build)
    return _card(design)


@cache
def _card(design: Design) -> NetCard:
    channels, side, classes = COMPARED
    side = design.exact or max(side, design.smallest)
    found = measured(design.key, channels, classes, [side])[0]
    return NetCard(
        key=design.key, title=design.title, summary=design.summary, family=design.family, smallest=design.smallest,
        exact=design.exact, parameters=found.parameters, multiply_adds=found.multiply_adds, taps=found.taps,
        source=design.source, counts={(name := counted_as(channels, side, classes)): found[:2]},
        shapes={name: {tap: shape for tap, shape in found.taps.items() if not tap.endswith("_pre")}},
        per_class=found.per_class, layers=_layers(design.key, channels, classes, side),
    )  # fmt: skip


def _layers(key: str, channels: int, classes: int, side: int) -> Layers:
    from engine.quantize.layers import described

    return described(ghost(key, classes=classes, channels=channels, size=side))


def build(
    key: str,
    *,
    classes: int,
    channels: int = 3,
    size: int = 32,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    variant: str = "",
    generator: torch.Generator | None = None,
    parts: Iterable[Mapping[str, Any]] = (),
    quantize: Mapping[str, Any] | None = None,
) -> Net:
    """A net with fresh weights for images of `channels` x `size` x `size` in [0, 1].

    `mean` and `std` are the normalization it carries (absent: pixels as they are). The weights come from `generator`
    alone (absent: from torch's global one). `parts` and `quantize` as in `Net.identity`, so `build(**net.identity())` is the
    same net. Raises NetError for an unknown net or variant, a side it does not take, or a normalization of another number of
    channels.
    """
    design = _design(key)
    _check_side(design, size)
    if variant and variant not in design.variants:
        raise NetError(f"{key} has no variant {variant!r}; it has {', '.join(design.variants) or 'none'}")
    frame = Frame(
        key=key, classes=classes, channels=channels, size=size, variant=variant,
        mean=_per_channel(mean, 0.0, channels, "mean"), std=_per_channel(std, 1.0, channels, "std"),
    )  # fmt: skip
    source = generator or torch.default_generator
    with seeded(source):
        net = design.make(frame)
    if parts:
        from engine.nets.parts import described, insert

        for part in parts:
            insert(net, described(part), source)
    if quantize:
        from engine.quantize.settings import QuantizeSettings
        from engine.quantize.wrapping import quantize as wrap

        wrap(net, QuantizeSettings(**quantize))
    return net


def ghost(key: str, *, classes: int, channels: int, size: int, variant: str = "") -> Net:
    """The net without storage: shapes flow through it, nothing is drawn or computed. Raises NetError as `build` does."""
    with Ghostly():
        net = build(
            key, classes=classes, channels=channels, size=size, variant=variant, generator=torch.Generator().manual_seed(0)
        )
    return net.to("meta").eval()


def measured(key: str, channels: int, classes: int, sides: Iterable[int]) -> tuple[Measured, ...]:
    """What a net comes to for images of each of these sides. Raises NetError for a side it does not take."""
    wanted, design = tuple(sides), _design(key)
    for side in wanted:
        _check_side(design, side)
    net = ghost(key, classes=classes, channels=channels, size=max(wanted))
    return tuple(_measured(net, (channels, side, side)) for side in wanted)


def _measured(net: Net, shape: tuple[int, ...]) -> Measured:
    from engine.nets.counts import FlopCounterMode, parameters
    from engine.taps import traced

    with FlopCounterMode(display=False) as counter:
        taps = traced(net, shape)
    return Measured(parameters(net), int(counter.get_total_flops()) // 2, taps, _per_class(net))


def _per_class(net: Net) -> tuple[int, int]:
    if not net.has_linear_head:
        return 0, 0
    return net.head.in_features + (net.head.bias is not None), net.head.in_features


def _check_side(design: Design, size: int) -> None:
    if design.exact and size != design.exact:
        raise NetError(f"{design.key} takes images of exactly {design.exact}x{design.exact} pixels, not {size}x{size}")
    if size < design.smallest:
        raise NetError(f"{design.key} takes images of {design.smallest}x{design.smallest} pixels and larger, not {size}x{size}")


def _per_channel(values: Sequence[float] | None, default: float, channels: int, name: str) -> tuple[float, ...]:
    made = (default,) * channels if values is None else tuple(float(v) for v in values)
    if len(made) != channels:
        raise NetError(f"the {name} has {len(made)} values for images of {channels} channels; it needs one a channel")
    return made
