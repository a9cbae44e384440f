"""What an entry of a legend is."""

from __future__ import annotations

from dataclasses import dataclass

STROKE = 16
"""Pixels of the stroke before a name."""


@dataclass(frozen=True)
class Mark:
    """The key of its curve, its name, the number of its colour, how its value is written."""

    key: str
    name: str
    index: int
    dashed: bool = False
    digits: int | None = None
    help: str = ""
