"""Where a person put the cards of a board: their order, their sizes, which are hidden, how each is looked at; remembered for
every set of cards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from PySide6.QtCore import QSettings

Size = Literal["small", "wide", "large"]
"""One column, two, or a row of its own that is half as high again."""

SHELF = "arrangements"
"""The group of the settings in which they are remembered."""


@dataclass
class Arrangement:
    """By the keys of cards; what is not named stands where its maker put it."""

    order: list[str] = field(default_factory=list)
    sizes: dict[str, Size] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    looks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def placed(self, keys: Sequence[str]) -> list[str]:
        """Cards in the order of their making, put in the order in which they are shown."""
        return [key for key in woven([k for k in self.order if k in keys], keys) if key in keys]

    def put(self, shown: Sequence[str]) -> None:
        """Remember an order; cards that are not there now keep their place behind the card they stood behind."""
        self.order = woven(shown, self.order)


def woven(main: Sequence[str], other: Iterable[str]) -> list[str]:
    """`main` with the names that only `other` has, each behind the name it follows there."""
    found, before = list(main), ""
    for name in other:
        if name not in found:
            found.insert(found.index(before) + 1 if before else 0, name)
        before = name
    return found


def signature(names: Iterable[str]) -> str:
    """A short name for a set of cards."""
    return hashlib.sha1("\n".join(sorted(set(names))).encode(), usedforsecurity=False).hexdigest()[:12]


def recall(name: str) -> Arrangement:
    """What was remembered under a name; as their makers have it where nothing was, or what was cannot be read."""
    text = QSettings().value(f"{SHELF}/{name}", "")
    try:
        data = json.loads(text) if isinstance(text, str) and text else {}
    except json.JSONDecodeError:
        data = {}
    return _from(data) if isinstance(data, dict) else Arrangement()


def remember(name: str, arrangement: Arrangement) -> None:
    """Keep it until next time; one that says nothing is forgotten."""
    if arrangement == Arrangement():
        QSettings().remove(f"{SHELF}/{name}")
    else:
        QSettings().setValue(f"{SHELF}/{name}", json.dumps(asdict(arrangement)))


def _from(data: dict[str, Any]) -> Arrangement:
    sizes = {str(k): v for k, v in _mapping(data, "sizes").items() if v in get_args(Size)}
    looks = {str(k): v for k, v in _mapping(data, "looks").items() if isinstance(v, dict)}
    return Arrangement(_texts(data, "order"), sizes, _texts(data, "hidden"), looks)


def _texts(data: dict[str, Any], name: str) -> list[str]:
    found = data.get(name)
    return [str(each) for each in found] if isinstance(found, list) else []


def _mapping(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}
