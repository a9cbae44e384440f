"""The catalogue as it holds on this machine: the one that is shipped, and what is kept beyond it in the user's cache folder:
torchvision's nets, nets and methods of the user's own, and counts for sides of images that no shipped dataset has.
`engine.cataloguing` makes both; no torch here."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import appdirs

from engine import plugins, shipped
from engine.cards import Catalogue, MethodCard, NetCard
from engine.catalogue_file import dumped, from_json, method_card, method_json, net_card
from engine.whole import write_whole

Sizes = Mapping[str, Mapping[str, Any]]
"""Net -> `counts` and `shapes` as a card has them."""


@dataclass(frozen=True)
class Extras:
    """`whole` says that all of torchvision's nets are there, `checked` which plug-ins the rest was made from: `own` are
    nets and `methods` methods, with what is wrong with others; `sizes` are counts and shapes of any net for images that no
    dataset of the catalogue has."""

    torchvision: Mapping[str, NetCard] = field(default_factory=dict)
    whole: bool = False
    own: Mapping[str, NetCard] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    sizes: Sizes = field(default_factory=dict)
    checked: str = ""
    methods: Mapping[str, MethodCard] = field(default_factory=dict)
    method_problems: tuple[str, ...] = ()

    def added_to(self, given: Catalogue) -> Catalogue:
        """A catalogue, the shipped one, with all of this."""
        known = {**given.nets, **self.own, **dict(sorted(self.torchvision.items()))}
        nets = {key: _with_sizes(card, self.sizes.get(key, {})) for key, card in known.items()}
        return replace(
            given, nets=nets, methods={**given.methods, **self.methods}, problems=self.problems,
            method_problems=self.method_problems, own=frozenset((*self.own, *self.methods)),
        )  # fmt: skip

    @property
    def fresh(self) -> bool:
        """Whether nothing is left to find out: every net of torchvision, and the plug-ins as they stand now."""
        return self.whole and self.checked == plugins.sources()


@cache
def catalogue() -> Catalogue:
    """The catalogue that travels with the program and what was found out on this machine; loads no torch."""
    return read().added_to(from_json((shipped.place("assets") / "catalog.json").read_text(encoding="utf-8")))


def path() -> Path:
    """Where extras are kept."""
    return Path(appdirs.user_cache_dir("kdstudio", appauthor=False)) / "catalog.json"


def read() -> Extras:
    """What is kept and still holds: nothing where the code or torchvision has changed since, no plug-in where the plug-ins
    have. What cannot be read counts as nothing, for it is found out again."""
    try:
        data = json.loads(path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Extras()
    if not isinstance(data, dict) or data.get("made_with") != made_with():
        return Extras()
    kept = Extras(
        torchvision=_cards(data["torchvision"]), whole=data["whole"], own=_cards(data["own"]),
        problems=tuple(data["problems"]), sizes=data["sizes"], checked=data["checked"],
        methods={key: method_card(card) for key, card in data["methods"].items()},
        method_problems=tuple(data["method_problems"]),
    )  # fmt: skip
    if kept.checked == plugins.sources():
        return kept
    return replace(kept, own={}, problems=(), methods={}, method_problems=(), checked="")


def write(extras: Extras) -> None:
    """Keep them, atomically; the catalogue is read anew where it is asked for next."""
    methods = {key: method_json(card) for key, card in extras.methods.items()}
    data = {"made_with": made_with(), **asdict(extras), "methods": methods}
    write_whole(path(), dumped(data).encode("utf-8"))
    catalogue.cache_clear()


@cache
def made_with() -> str:
    """A hash over what the nets of the catalogue are made with: the code of nets and cards, and torchvision's version."""
    root = Path(str(resources.files("engine")))
    digest = hashlib.sha256(importlib.metadata.version("torchvision").encode())
    others = (
        "cards.py", "catalogue_file.py", "cataloguing.py", "extras.py", "knobs.py", "own_methods.py", "quantize/layers.py",
    )  # fmt: skip
    for source in (*sorted((root / "nets").glob("*.py")), *(root / name for name in others)):
        digest.update(source.name.encode() + b"\0" + source.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def _cards(data: Mapping[str, Any]) -> dict[str, NetCard]:
    return {key: net_card(card) for key, card in data.items()}


def _with_sizes(card: NetCard, more: Mapping[str, Any]) -> NetCard:
    if not more:
        return card
    added = net_card({**asdict(card), **more})
    return replace(card, counts={**card.counts, **added.counts}, shapes={**card.shapes, **added.shapes})
