"""Cards and the catalogue as JSON: what `assets/catalog.json` and the user's cache of it are written and read with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from engine.cards import (
    Catalogue,
    Classifier,
    DatasetCard,
    Features,
    MethodCard,
    Mix,
    Needs,
    NetCard,
    Stage,
    Term,
    Watch,
)
from engine.knobs import Condition, Spec
from engine.quantize.sizes import Layers


def to_json(catalogue: Catalogue) -> str:
    """The text of `assets/catalog.json`."""
    data = {
        "sources": catalogue.sources,
        "methods": {k: method_json(c) for k, c in catalogue.methods.items()},
        "nets": {k: asdict(c) for k, c in catalogue.nets.items()},
        "datasets": {k: asdict(c) for k, c in catalogue.datasets.items()},
    }
    return dumped(data)


def from_json(text: str) -> Catalogue:
    """The inverse of `to_json`."""
    data = json.loads(text)
    return Catalogue(
        methods={k: method_card(c) for k, c in data["methods"].items()},
        nets={k: net_card(c) for k, c in data["nets"].items()},
        datasets={k: DatasetCard(**c) for k, c in data["datasets"].items()},
        sources=data["sources"],
    )


def dumped(data: Any) -> str:
    """JSON with one entry a line, but shapes and counts, which are lists of numbers, on the line of their name."""
    text = json.dumps(data, indent=1, ensure_ascii=False)
    return (
        re.sub(r"\[[\d,\s]+\]", lambda found: re.sub(r"\s+", " ", found[0]).replace("[ ", "[").replace(" ]", "]"), text) + "\n"
    )


def method_json(card: MethodCard) -> dict[str, Any]:
    """A method's card as plain data."""
    return {**asdict(card), "settings": [s.as_json() for s in card.settings]}


def method_card(data: dict[str, Any]) -> MethodCard:
    """The inverse of `method_json`."""
    return MethodCard(
        **{
            **data,
            "needs": Needs(**{**data["needs"], "labels_when": _condition(data["needs"].get("labels_when")) or {}}),
            "settings": tuple(Spec.from_json(s) for s in data["settings"]),
            "terms": tuple(Term(**_conditioned(t)) for t in data["terms"]),
            "watches": tuple(Watch(**_conditioned(w)) for w in data["watches"]),
            "stages": tuple(Stage(**_conditioned(s)) for s in data["stages"]),
            "mixes": tuple(Mix(**m) for m in data["mixes"]),
            "offers": _condition(data["offers"]),
            "features": tuple(Features(**_conditioned(f)) for f in data.get("features", ())),
            "classifier": None if data.get("classifier") is None else Classifier(**_conditioned(data["classifier"])),
        }
    )


def _conditioned(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "when": _condition(data["when"]) or {}}


def _condition(data: dict[str, Any] | None) -> Condition | None:
    return None if data is None else {k: tuple(v) for k, v in data.items()}


def net_card(data: dict[str, Any]) -> NetCard:
    """A net's card from plain data; the inverse of `asdict`."""
    maps = {name: _tuples(data.get(name, {})) for name in ("taps", "counts")}
    shapes = {name: _tuples(found) for name, found in data.get("shapes", {}).items()}
    layers = Layers(**data["layers"]) if data.get("layers") else None
    return NetCard(**{**data, **maps, "shapes": shapes, "per_class": tuple(data.get("per_class", (0, 0))), "layers": layers})


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) for name, value in data.items()}
