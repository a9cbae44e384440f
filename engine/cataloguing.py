"""The catalogue made from the code: what `kdstudio catalog` writes into `assets/catalog.json`."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

from engine.cards import Catalogue


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

    return Catalogue(
        methods={key: method.card(key) for key in tuple(method.keys())},
        nets={key: nets.card(key) for key in tuple(nets.keys())},
        datasets={key: data.card(key) for key in tuple(data.keys())},
        sources=sources_hash(),
    )
