"""The catalogue made from the code: what `kdstudio catalog` writes into `assets/catalog.json`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from importlib import resources
from pathlib import Path

from engine.cards import Catalogue, DatasetCard, NetCard, counted_as


def sources_hash() -> str:
    """A hash over the source files that declare something: methods, nets, datasets, settings. Loads no torch."""
    root = Path(str(resources.files("engine")))
    found = sorted(p for f in ("methods", "nets", "data") for p in (root / f).glob("*.py"))
    digest = hashlib.sha256()
    for path in (*found, root / "knobs.py", root / "cards.py"):
        digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def build() -> Catalogue:
    """The catalogue as the code stands now; imports torch."""
    from engine import data, method, nets

    datasets = {key: data.card(key) for key in tuple(data.keys())}
    return Catalogue(
        methods={key: method.card(key) for key in tuple(method.keys())},
        nets={key: _counted(nets.card(key), datasets.values()) for key in tuple(nets.keys())},
        datasets=datasets,
        sources=sources_hash(),
    )


def _counted(card: NetCard, datasets: Iterable[DatasetCard]) -> NetCard:
    """The card with its counts for every dataset whose classes are known, at its own side and where 32 is asked for."""
    from engine import nets

    wanted = {(d.channels, side, d.classes) for d in datasets if d.classes for side in (d.size, max(d.size, 32))}
    fits = [(c, s, k) for c, s, k in sorted(wanted) if s >= card.smallest and card.exact in (0, s)]
    return replace(card, counts={counted_as(*shape): nets.counted(card.key, *shape) for shape in fits})
