"""Numbers as people write them: `90`, `90%`, `1.5M`, `10m`, `20MB`, `2025-03-04`."""

from __future__ import annotations

import re
from datetime import datetime

_NUMBER = re.compile(r"([-+]?\d[\d_,]*\.?\d*(?:e[-+]?\d+)?|[-+]?\.\d+(?:e[-+]?\d+)?)\s*([a-zµ%]*)", re.IGNORECASE)

UNITS: dict[str, dict[str, float]] = {
    "number": {"": 1, "%": 1, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9},
    "duration": {"": 1, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400, "w": 604_800},
    "bytes": {"": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "tb": 1e12},
}
"""Kind of quantity -> its units in lower case -> what one comes to (seconds, bytes, ones)."""


class QuantityError(ValueError):
    """A text that is no such quantity."""


def quantity(text: str, kind: str) -> float:
    """The number that a text says: a day as unix time, a duration in seconds, a size in bytes. Raises QuantityError."""
    if kind == "time":
        return _moment(text)
    match = _NUMBER.fullmatch(text.strip())
    unit = match[2].lower() if match else ""
    if match is None or unit not in UNITS[kind]:
        raise QuantityError(text)
    return float(match[1].replace(",", "").replace("_", "")) * UNITS[kind][unit]


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise QuantityError(text) from error
