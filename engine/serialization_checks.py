"""Failure signatures of the reconstruction of AEKT, under a method's own names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from engine.findings import Check, Evidence, Found
from engine.knobs import problem, specs
from engine.method import chosen, find

MANY = 20.0
"""Percent of the images."""
IDLE = 0.01
FEW = 50.0
"""Percent of the classes."""


def _after_warmup(key: str, name: str, seen: Evidence, settings: Mapping[str, Any]) -> float | None:
    """The newest value, where it was measured after the warm-up; else None."""
    values = seen.get(f"{key}.{name}")
    params: Any = chosen(key, settings["methods"][key])
    return values[-1][1] if values and values[-1][0] > params.warmup else None


def _saturated(key: str, seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    share = _after_warmup(key, "limited", seen, settings)
    if share is None or share <= MANY:
        return None
    params: Any = chosen(key, settings["methods"][key])
    higher = 2 * params.limit
    spec = next(s for s in specs(find(key).Params) if s.name == "limit")
    return Found(
        f"For {share:.0f} % of the training images the teacher is more than {params.limit:g} times as sure of the right class "
        "as the student: they all pull with the largest ratio allowed. Allow a larger one, or take R4, which grows slowest.",
        {"limited": share, "limit": params.limit},
        {f"methods.{key}.limit": higher} if problem(spec, higher) is None else {f"methods.{key}.reconstruction": "R4"},
    )


def _idle(key: str, seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    away = _after_warmup(key, "distance", seen, settings)
    if away is None or away >= IDLE:
        return None
    return Found(
        f"The serialization layer has stayed the identity (‖W - I‖/√C is {away:.4f}): both tasks pull at the same logits, as "
        "without it.",
        {"distance": away},
    )


def _too_small(key: str, seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    share = _after_warmup(key, "rank", seen, settings)
    if share is None or share >= FEW:
        return None
    return Found(
        f"The serialization layer uses few directions: its effective rank is {share:.0f} % of the classes, so it cannot tell "
        "the others apart for the task behind it.",
        {"rank": share},
    )


def of(key: str) -> tuple[Check, ...]:
    """The checks of a method that measures `limited`, `distance` and `rank`, and has settings `limit`, `reconstruction` and
    `warmup`."""
    return (
        Check(f"{key}.saturated", "AEKT (reconstruction) saturated",
              f"over {MANY:g} % of the training images at ρ_max after the warm-up", (f"{key}.limited",),
              partial(_saturated, key)),
        Check(f"{key}.idle", "Serialization idle", f"‖W - I‖_F/√C < {IDLE} after the warm-up", (f"{key}.distance",),
              partial(_idle, key), "info"),
        Check(f"{key}.too-small", "Serialization too small", "effective rank of W < C/2 after the warm-up", (f"{key}.rank",),
              partial(_too_small, key), "info"),
    )  # fmt: skip
