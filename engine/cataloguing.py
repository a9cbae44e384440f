"""The catalogue made from the code: what `kdstudio catalog` writes into `assets/catalog.json`, and with `--user` into the
user's cache folder. Importing this loads no torch; making does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from engine import extras, plugins
from engine.cards import Catalogue, DatasetCard, NetCard, catalogue, counted_as
from engine.extras import Extras

BESIDE = 32
"""The side to which images come where LeNet insists, whatever their own."""

Shape = tuple[int, int]
"""Channels and side."""

COUNTED_CLASSES = 10
"""With how many classes shapes are counted; a card tells the others from these."""


def sources_hash() -> str:
    """A hash over the source files that declare something: methods, nets, datasets, settings. Loads no torch."""
    root = Path(str(resources.files("engine")))
    found = sorted(p for f in ("methods", "nets", "data") for p in (root / f).glob("*.py"))
    digest = hashlib.sha256()
    for path in (*found, root / "knobs.py", root / "cards.py"):
        digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def build() -> Catalogue:
    """The catalogue as the code stands now."""
    from engine import data, method, nets

    datasets = {key: data.card(key) for key in tuple(data.keys())}
    return Catalogue(
        methods={key: method.card(key) for key in tuple(method.keys())},
        nets={key: _counted(nets.card(key), datasets.values()) for key in tuple(nets.keys())},
        datasets=datasets,
        sources=sources_hash(),
    )


def refresh(tell: Callable[[str], None] = lambda net: None, ask: Iterable[str] = ()) -> Extras:
    """Find out what the user's cache lacks: torchvision's nets, the plug-ins as they stand, the shapes asked for (`3x48`).

    Every net is told before it is counted; what is done is kept from time to time, so that a break loses little."""
    from engine import nets

    kept = complete((), ask)
    missing = [key for key in nets.torchvision_keys() if key not in kept.torchvision]
    for number, key in enumerate(missing, 1):
        tell(key)
        kept = replace(kept, torchvision={**kept.torchvision, key: _card(key)})
        if number % 20 == 0:
            extras.write(kept)
    kept = replace(kept, whole=True)
    extras.write(kept)
    return kept


def complete(keys: Iterable[str], ask: Iterable[str] = ()) -> Extras:
    """Find out at once what the catalogue lacks of the nets named and the shapes asked for; cheap where it lacks nothing.

    Raises NetError for a net of torchvision that does not exist, and where a plug-in that is named cannot work."""
    kept = found = extras.read()
    if kept.checked != plugins.sources():
        kept = _with_own(kept)
    wanted = [key for key in keys if key.startswith("torchvision.") and key not in kept.torchvision]
    for key in wanted:
        kept = replace(kept, torchvision={**kept.torchvision, key: _card(key)})
    new = [shape for shape in ask if shape not in kept.asked]
    if new:
        kept = _with_sizes(kept, new)
    if kept != found:
        extras.write(kept)
    return kept


def _with_own(kept: Extras) -> Extras:
    """With the user's own nets, and why others of them cannot be used."""
    from engine import nets

    cards, problems = dict[str, NetCard](), list(nets.own_problems())
    for key in nets.own_keys():
        try:
            cards[key] = _card(key)
        except nets.NetError as error:
            problems.append(str(error))
    return replace(kept, own=cards, problems=tuple(problems), checked=plugins.sources())


def _with_sizes(kept: Extras, asked: Iterable[str]) -> Extras:
    """With counts and shapes of every net for the shapes asked for."""
    shapes = [(channels, side) for channels, side in (map(int, text.split("x")) for text in asked)]
    sizes: dict[str, Any] = dict(kept.sizes)
    for key, card in catalogue().nets.items():
        counts, seen = _sized(card, [(channels, side) for channels, side in shapes if _fits(card, side)])
        before = sizes.get(key, {"counts": {}, "shapes": {}})
        sizes[key] = {"counts": {**before["counts"], **counts}, "shapes": {**before["shapes"], **seen}}
    return replace(kept, sizes=sizes, asked=(*kept.asked, *asked))


def _card(key: str) -> NetCard:
    from engine import nets

    return _counted(nets.card(key), catalogue().datasets.values())


def _counted(card: NetCard, datasets: Iterable[DatasetCard]) -> NetCard:
    """The card with counts and shapes for every dataset whose size is known, at every side its images may come to.

    Each channels and side once: neither shapes nor what lies below the classifier depend on the classes."""
    sides = {(d.channels, side) for d in datasets if d.classes for side in (d.size, card.smallest, BESIDE) if side >= d.size}
    there = {tuple(map(int, name.partition(" ")[0].split("x")[:2])) for name in card.counts}
    counts, shapes = _sized(card, sorted(shape for shape in sides if shape not in there and _fits(card, shape[1])))
    return replace(card, counts={**card.counts, **counts}, shapes={**card.shapes, **shapes})


def _fits(card: NetCard, side: int) -> bool:
    return side >= card.smallest and card.exact in (0, side)


def _sized(card: NetCard, wanted: list[Shape]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Counts and shapes of a net for images of so many channels and such a side, as cards keep them."""
    from engine import nets

    counts, shapes = {}, {}
    for channels in sorted({channels for channels, _ in wanted}):
        sides = [side for c, side in wanted if c == channels]
        for side, found in zip(sides, nets.measured(card.key, channels, COUNTED_CLASSES, sides)):
            name = counted_as(channels, side, COUNTED_CLASSES)
            counts[name] = (found.parameters, found.multiply_adds)
            shapes[name] = {tap: shape for tap, shape in found.taps.items() if not tap.endswith("_pre")}
    return counts, shapes
