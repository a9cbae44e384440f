"""Failure signatures of layers that stay in the student and learn a teacher's templates, under a method's own names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from engine.findings import Check, Evidence, Found, latest
from engine.method import chosen

AGAIN = 3
"""Evaluations in a row before a use of templates is believed."""
LONG = 5
"""Evaluations over which a gap must rise or a layer change nothing: on few images accuracies are equal now and then."""


def _recent(seen: Evidence, name: str, count: int) -> list[float]:
    values = [value for _, value in seen.get(name, [])[-count:]]
    return values if len(values) == count else []


def _params(key: str, settings: Mapping[str, Any]) -> Any:
    return chosen(key, settings["methods"][key])


def _dying(key: str, layer: str, setting: str) -> Callable[[Evidence, Mapping[str, Any]], Found | None]:
    names = f"{key}.{layer}_perplexity", f"{key}.{layer}_perplexity_teacher"

    def look(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
        own, other = (_recent(seen, name, AGAIN) for name in names)
        if not own or not other or any(4 * a >= b for a, b in zip(own, other)):
            return None
        count = getattr(_params(key, settings), setting)
        fewer = max(1, count // 4)
        return Found(
            f"The student's places fall into few templates of its {layer} layer: as many as {own[-1]:.1f} used evenly, the "
            f"teacher's into {other[-1]:.1f}. Most of the layer is dead weight.",
            {names[0]: own[-1], names[1]: other[-1]},
            {f"methods.{key}.{setting}": fewer} if fewer < count else {},
        )

    return look


def _unused(key: str) -> Callable[[Evidence, Mapping[str, Any]], Found | None]:
    names = f"{key}.with_layers", f"{key}.without_layers"

    def look(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
        own, bare = (_recent(seen, name, LONG) for name in names)
        if not own or not bare or any(abs(a - b) >= 0.1 for a, b in zip(own, bare)):
            return None
        return Found(
            f"The layers change nothing: {own[-1]:.2f} % with them, {bare[-1]:.2f} % with α = 0. The student could be had "
            "without what they cost.",
            {names[0]: own[-1], names[1]: bare[-1]},
        )

    return look


def _larger(key: str) -> Callable[[Evidence, Mapping[str, Any]], Found | None]:
    names = f"{key}.parameters", f"{key}.parameters_teacher", f"{key}.parameters_penult"

    def look(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
        own, other, last = (latest(seen, name) for name in names)
        if own is None or other is None or last is None or own <= other:
            return None
        return Found(
            f"With its layers the student has {own:,.0f} parameters, more than its teacher's {other:,.0f}: "
            "the teacher itself would be the smaller net.",
            {names[0]: own, names[1]: other},
            _smaller(key, _params(key, settings).templates, last, own - other),
        )

    return look


def _smaller(key: str, templates: int, parameters: float, over: float) -> dict[str, Any]:
    """The largest power of two of templates of the last layer, which grows with them, that takes `over` parameters off it;
    nothing where there is none."""
    kept = int(templates * (parameters - over) / parameters) if parameters > over else 0
    return {f"methods.{key}.templates": 2 ** (kept.bit_length() - 1)} if kept else {}


def _overfits(key: str) -> Callable[[Evidence, Mapping[str, Any]], Found | None]:
    name = f"{key}.penult_gap"

    def look(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
        values = _recent(seen, name, LONG)
        if not values or not values[-1] > 1.5 or any(b <= a for a, b in pairwise(values)):
            return None
        before = seen[name][-LONG][0]
        return Found(
            f"The student learns the teacher's assignments of the training images by heart: the loss of the last layer is "
            f"{values[-1]:.2f} times as large on held-out images, and rising for {LONG} evaluations.",
            {name: values[-1]},
            {"training.epochs": before} if before >= 1 else {},
        )

    return look


def of(key: str) -> tuple[Check, ...]:
    """The checks of the method `key`, which measures under these names and has letKD's settings."""
    dying = f"perplexity of the student's assignments under a quarter of the teacher's in {AGAIN} evaluations in a row"
    return (
        Check(f"{key}.templates-die", "Templates die", dying, (f"{key}.penult_perplexity_teacher",),
              _dying(key, "penult", "templates")),
        Check(f"{key}.sub-classes-die", "Templates die", dying, (f"{key}.inter_perplexity_teacher",),
              _dying(key, "inter", "subclasses")),
        Check(f"{key}.unused", "KD layer unused",
              f"accuracy with α and with α = 0 differ by less than 0.1 points in {LONG} evaluations in a row",
              (f"{key}.without_layers",), _unused(key)),
        Check(f"{key}.larger-than-teacher", "Student larger than its teacher", "parameters with parts exceed the teacher's",
              (f"{key}.parameters",), _larger(key)),
        Check(f"{key}.overfits", "Overfits the teacher",
              f"held-out over train of L_penult > 1.5 and rising over {LONG} evaluations", (f"{key}.penult_gap",),
              _overfits(key)),
    )  # fmt: skip
