"""The catalogue made from the code: what `kdstudio catalog` writes into `assets/catalog.json`, and with `--user` into the
user's cache folder. Importing this loads no torch; making does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from engine import extras, plugins
from engine.cards import Catalogue, DatasetCard, MethodCard, NetCard, counted_as
from engine.experiment import Experiment
from engine.extras import Extras, catalogue

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


def refresh(tell: Callable[[str], None] = lambda net: None) -> Extras:
    """Find out what the user's cache lacks: torchvision's nets and the plug-ins as they stand. Every net of torchvision is
    told before it is counted; what is done is kept from time to time, so that a break loses little."""
    from engine import nets

    kept = complete(())
    missing = [key for key in nets.torchvision_keys() if key not in kept.torchvision]
    for number, key in enumerate(missing, 1):
        tell(key)
        kept = replace(kept, torchvision={**kept.torchvision, key: _card(key)})
        if number % 20 == 0:
            extras.write(kept)
    kept = replace(kept, whole=True)
    extras.write(kept)
    return kept


def complete(keys: Iterable[str], shapes: Iterable[Shape] = ()) -> Extras:
    """Find out at once what the catalogue lacks of the nets named, and of them for images of these shapes; cheap where it
    lacks nothing. Raises NetError for a net that does not exist, and for a plug-in that cannot work."""
    wanted = [key for key in keys if key != "none"]
    kept = found = extras.read()
    if kept.checked != plugins.sources():
        kept = _with_own(kept)
    for key in wanted:
        kept = _with_net(kept, key)
    for key in wanted:
        kept = _with_sizes(kept, key, shapes)
    if kept != found:
        extras.write(kept)
    return kept


def uncounted(experiment: Experiment, known: Catalogue) -> tuple[Shape, ...]:
    """The images of an experiment for which one of its nets has not been counted yet; none where only the data tells."""
    from engine.rules.case import Case

    case = Case(experiment, known)
    named = {experiment.student.net, experiment.teacher.net} - {"none"}
    if experiment.dataset.name not in known.datasets or not named <= set(known.nets):
        return ()
    shape = (known.datasets[experiment.dataset.name].channels or 3, case.side)
    return (shape,) if case.side and any(not _knows(card, shape) for card in case.nets.values()) else ()


def _knows(card: NetCard, shape: Shape) -> bool:
    return card.size_on(*shape, COUNTED_CLASSES) is not None and card.shapes_on(shape[1]) is not None


def _with_own(kept: Extras) -> Extras:
    """With the user's own nets and methods, and why others of them cannot be used."""
    from engine import nets

    cards, problems = dict[str, NetCard](), list(nets.own_problems())
    for key in nets.own_keys():
        try:
            cards[key] = _card(key)
        except nets.NetError as error:
            problems.append(str(error))
    methods, wrong = _own_methods()
    return replace(
        kept, own=cards, problems=tuple(problems), methods=methods, method_problems=wrong, checked=plugins.sources()
    )  # fmt: skip


def _own_methods() -> tuple[dict[str, MethodCard], tuple[str, ...]]:
    from engine import method

    found, problems = dict[str, MethodCard](), list(method.own_problems())
    for key in method.own_keys():
        try:
            found[key] = method.card(key)
        except plugins.PluginError as error:
            problems.append(str(error))
    return found, tuple(problems)


def _with_net(kept: Extras, key: str) -> Extras:
    """With a net of torchvision where it is one. Raises NetError for a net that is nowhere."""
    if key in kept.added_to(catalogue()).nets:
        return kept
    card = _card(key)  # raises for every other net, by file and line for a plug-in
    return replace(kept, torchvision={**kept.torchvision, key: card})


def _with_sizes(kept: Extras, key: str, shapes: Iterable[Shape]) -> Extras:
    """With counts and shapes of a net for these images."""
    card = kept.added_to(catalogue()).nets[key]
    counts, seen = _sized(card, [shape for shape in shapes if _fits(card, shape[1]) and not _knows(card, shape)])
    if not counts:
        return kept
    before = kept.sizes.get(key, {"counts": {}, "shapes": {}})
    added = {"counts": {**before["counts"], **counts}, "shapes": {**before["shapes"], **seen}}
    return replace(kept, sizes={**kept.sizes, key: added})


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
