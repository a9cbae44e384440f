"""Settings that describe themselves: one declaration gives validation, forms, YAML and help.

A `Knobs` class is a pydantic model whose fields are made by `knob()`. `specs(SomeKnobs)` turns it into `Spec`s: plain
data that travels in the catalogue, so that the window can draw and check a form without importing the class.
`problem(spec, value)` is the one checker, read by the window and by the engine alike.
"""

from __future__ import annotations

import difflib
import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

Kind = Literal["integer", "number", "boolean", "choice", "text", "path", "integers", "mapping"]
Level = Literal["basic", "advanced"]
Scale = Literal["linear", "log"]
Condition = Mapping[str, tuple[Any, ...]]
"""Sibling setting -> the values under which something applies; empty: always."""


@dataclass(frozen=True)
class Spec:
    """One setting, as data: everything a form, a preset check or a help text needs to know."""

    name: str
    kind: Kind
    default: Any
    help: str
    title: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    above: float | None = None
    choices: tuple[str | int, ...] = ()
    words: tuple[str, ...] = ()
    when: Condition = field(default_factory=dict)
    level: Level = "basic"
    scale: Scale = "linear"
    source: str = ""
    controls: Mapping[str, str] = field(default_factory=dict)
    """Values that make the run a control, and what that control is called."""

    def label(self) -> str:
        """What a form writes beside the field."""
        return self.title or self.name.replace("_", " ")

    def as_json(self) -> dict[str, Any]:
        """Plain data for the catalogue, defaults left out."""
        blank = Spec("", "text", None, "")
        keep = {"name", "kind", "default", "help"}
        return {k: v for k, v in asdict(self).items() if k in keep or v != getattr(blank, k)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Spec:
        """The inverse of `as_json`."""
        made = dict(data)
        for name in ("choices", "words"):
            made[name] = tuple(made.get(name, ()))
        made["when"] = {k: tuple(v) for k, v in made.get("when", {}).items()}
        return cls(**made)


class Knobs(BaseModel):
    """A group of settings; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


def knob(
    default: Any,
    help: str,
    *,
    title: str = "",
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    when: Condition | None = None,
    level: Level = "basic",
    scale: Scale = "linear",
    kind: Kind | None = None,
    choices: Iterable[str] = (),
    source: str = "",
    controls: Mapping[str, str] | None = None,
) -> Any:
    """A pydantic field that carries its own `Spec`: bounds (`low`, `high` inclusive, `above` exclusive), unit, help,
    the condition under which it matters, where its default comes from, and which of its values make a control of the run."""
    extra: dict[str, Any] = {
        "title": title,
        "unit": unit,
        "low": low,
        "high": high,
        "above": above,
        "when": dict(when or {}),
        "level": level,
        "scale": scale,
        "kind": kind,
        "choices": tuple(choices),
        "source": source,
        "controls": dict(controls or {}),
    }
    made = {"default_factory": lambda: default.copy()} if isinstance(default, dict) else {"default": default}
    return Field(**made, description=help, json_schema_extra={"knob": extra})


def specs(model: type[BaseModel]) -> tuple[Spec, ...]:
    """The settings of a `Knobs` class in the order of their declaration."""
    return tuple(_spec(name, info) for name, info in model.model_fields.items() if _is_knob(info))


def _is_knob(info: FieldInfo) -> bool:
    return isinstance(info.json_schema_extra, dict) and "knob" in info.json_schema_extra


def _spec(name: str, info: FieldInfo) -> Spec:
    extra = dict(info.json_schema_extra["knob"])  # type: ignore[index,call-overload,arg-type]
    kind, choices, words = _shape(info.annotation)
    return Spec(
        name=name,
        kind=extra.pop("kind") or kind,
        default=info.get_default(call_default_factory=True),
        help=info.description or "",
        choices=tuple(extra.pop("choices")) or choices,
        words=words,
        **extra,
    )


def _shape(annotation: Any) -> tuple[Kind, tuple[str, ...], tuple[str, ...]]:
    """Kind, choices and special words of a type: `Literal["auto"] | float` is a number that may also be `auto`."""
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return "choice", tuple(typing.get_args(annotation)), ()
    if origin in (Union, types.UnionType):
        parts = typing.get_args(annotation)
        words = tuple(w for p in parts if typing.get_origin(p) is Literal for w in typing.get_args(p))
        rest = [p for p in parts if typing.get_origin(p) is not Literal]
        kind, _, _ = _shape(float if float in rest else rest[0])
        return kind, (), words
    if origin in (list, tuple):
        return "integers", (), ()
    if origin is dict or annotation is dict:
        return "mapping", (), ()
    kinds: dict[Any, Kind] = {bool: "boolean", int: "integer", float: "number", str: "text"}
    return kinds[annotation], (), ()


def problem(spec: Spec, value: Any) -> str | None:
    """Why `value` cannot be this setting, as a sentence; `None` where it can."""
    if spec.words and isinstance(value, str):
        return None if value in spec.words else f"{value!r} is neither {_numberish(spec)} nor {_either(spec.words)}"
    return _CHECKS[spec.kind](spec, value)


def _numberish(spec: Spec) -> str:
    return "a whole number" if spec.kind == "integer" else "a number"


def _either(names: Iterable[str]) -> str:
    return " or ".join(repr(n) for n in names)


def _check_number(spec: Spec, value: Any) -> str | None:
    whole = spec.kind == "integer"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        return f"{value!r} is not {_numberish(spec)}"
    if not math.isfinite(value):
        return f"{value!r} is not finite"
    outside = (
        (spec.low is not None and value < spec.low)
        or (spec.high is not None and value > spec.high)
        or (spec.above is not None and value <= spec.above)
    )
    return f"{value!r} is outside the bounds: {bounds(spec)}" if outside else None


def _check_choice(spec: Spec, value: Any) -> str | None:
    if value in spec.choices and not isinstance(value, bool):
        return None
    names = [str(choice) for choice in spec.choices]
    return f"{value!r} is not one of {', '.join(names)}{did_you_mean(str(value), names)}"


def _check_integers(spec: Spec, value: Any) -> str | None:
    if not isinstance(value, (list, tuple)) or any(isinstance(v, bool) or not isinstance(v, int) for v in value):
        return f"{value!r} is not a list of whole numbers"
    wrong = [v for v in value if spec.low is not None and v < spec.low]
    return f"{wrong[0]!r} is outside the bounds: {bounds(spec)}" if wrong else None


def _check_type(kind: type, words: str) -> Any:
    return lambda spec, value: None if isinstance(value, kind) else f"{value!r} is not {words}"


_CHECKS: dict[str, Any] = {
    "integer": _check_number,
    "number": _check_number,
    "boolean": _check_type(bool, "true or false"),
    "choice": _check_choice,
    "text": _check_type(str, "a text"),
    "path": _check_type(str, "a path"),
    "integers": _check_integers,
    "mapping": _check_type(dict, "a mapping"),
}


def bounds(spec: Spec) -> str:
    """The bounds of a number in words: `at least 1 and at most 10 epochs`."""
    parts = [
        f"{word} {limit:g}"
        for word, limit in (("at least", spec.low), ("above", spec.above), ("at most", spec.high))
        if limit is not None
    ]
    return " and ".join(parts) + (f" {spec.unit}" if parts and spec.unit else "")


def holds(condition: Condition, values: Mapping[str, Any]) -> bool:
    """Whether every named sibling has one of the values under which something applies."""
    return all(values.get(name) in allowed for name, allowed in condition.items())


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or `None` when nothing is close."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing when no known name is close."""
    found = nearest(name, known)
    return f"; did you mean {found!r}?" if found else ""
