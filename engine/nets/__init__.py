"""The nets: each file declares `NETS`; each net names its taps and its input sizes and carries its own normalisation."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import torch

from engine.cards import NetCard
from engine.knobs import did_you_mean
from engine.nets.net import Design, Frame, Net, NetError, seeded

__all__ = ["Net", "NetError", "build", "card", "counted", "keys"]


@cache
def _designs() -> Mapping[str, Design]:
    modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    return {design.key: design for module in modules for design in getattr(module, "NETS", ())}


def _design(key: str) -> Design:
    if key not in _designs():
        raise NetError(f"there is no net {key!r}{did_you_mean(key, keys()) or '; the nets are ' + ', '.join(keys())}")
    return _designs()[key]


def keys() -> tuple[str, ...]:
    """The nets that exist."""
    return tuple(_designs())


@cache
def card(key: str) -> NetCard:
    """What the catalogue says of a net, counted for 3 x 32 x 32 images and 100 classes."""
    from engine.nets.counts import multiply_adds, parameters
    from engine.taps import shapes

    design, shape = _design(key), (3, 32, 32)
    net = build(key, classes=100, generator=torch.Generator().manual_seed(0))
    return NetCard(
        key=key, title=design.title, summary=design.summary, family=design.family, smallest=design.smallest,
        exact=design.exact, parameters=parameters(net), multiply_adds=multiply_adds(net, shape),
        taps=shapes(net, shape), source=design.source,
    )  # fmt: skip


def build(
    key: str,
    *,
    classes: int,
    channels: int = 3,
    size: int = 32,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    generator: torch.Generator | None = None,
    parts: Iterable[Mapping[str, Any]] = (),
) -> Net:
    """A net with fresh weights for images of `channels` x `size` x `size` in [0, 1].

    `mean` and `std` are the normalisation it carries (absent: pixels as they are). The weights come from `generator`
    alone (absent: from torch's global one). `parts` as in `Net.identity`, so `build(**net.identity())` is the same net.
    Raises NetError for an unknown net, a side it does not take, or a normalisation of another number of channels.
    """
    design = _design(key)
    _check_side(design, size)
    frame = Frame(
        key=key, classes=classes, channels=channels, size=size,
        mean=_per_channel(mean, 0.0, channels, "mean"), std=_per_channel(std, 1.0, channels, "std"),
    )  # fmt: skip
    source = generator or torch.default_generator
    with seeded(source):
        net = design.make(frame)
    if parts:
        from engine.nets.parts import described, insert

        for part in parts:
            insert(net, described(part), source)
    return net


def counted(key: str, channels: int, side: int, classes: int) -> tuple[int, int]:
    """Parameters and multiply-adds of a net for these images. Raises NetError for a side it does not take."""
    from engine.nets.counts import multiply_adds, parameters

    net = build(key, classes=classes, channels=channels, size=side, generator=torch.Generator().manual_seed(0))
    return parameters(net), multiply_adds(net, (channels, side, side))


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
