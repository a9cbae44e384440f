"""A sweep as it is written: a preset, and what is tried on top of it; typed, with every problem at its line.

A sweep's file is a preset with more keys: `entries`, each a small preset upon the whole file's; `vary`, settings by dotted
path with lists or ranges of values, those of one item moving together; `draw`, for values at random instead of a grid;
`only` and `except`; `baseline`, the entry the others are compared with; `show`, what else is put into the table and drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StrictStr, Tag, ValidationError, model_validator

from engine import extras
from engine.cards import Catalogue
from engine.experiment import Experiment
from engine.knobs import did_you_mean
from engine.presets.dialect import Document
from engine.presets.places import SWEEPS, PresetName, locate
from engine.presets.places import names as preset_names
from engine.presets.places import read as read_file
from engine.presets.problems import PresetError, Problem
from engine.presets.resolving import checked
from engine.presets.schema import ASIDE
from engine.sweeps.checks import axis_problems, condition_problems, shown_problems

ENTRY_KEYS = ("title", "starts_from", "vary")
"""What an entry says beside the preset that it is."""

_TAGS = ("list", "range")


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Range(_Written):
    """Numbers between two, both included: `count` of them, or every `step`; of neither where values are drawn at random."""

    low: float = Field(alias="from", allow_inf_nan=False)
    high: float = Field(alias="to", allow_inf_nan=False)
    count: int | None = Field(None, ge=2, le=1000)
    step: float | None = Field(None, gt=0, allow_inf_nan=False)
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _sensible(self) -> Range:
        if self.high <= self.low:
            raise ValueError("`to` must be above `from`")
        if self.scale == "log" and self.low <= 0:
            raise ValueError("on a log scale `from` must be above 0")
        if self.step is not None and (self.count is not None or self.scale == "log"):
            raise ValueError("`step` goes with neither `count` nor a log scale; keep one")
        return self


def _kind(value: Any) -> str | None:
    return "list" if isinstance(value, list) else "range" if isinstance(value, (dict, Range)) else None


_WANTED = "write a list of values, or a range such as {from: 1, to: 9, count: 5}"
Values = Annotated[
    Annotated[list[Any], Tag("list"), Field(min_length=1)] | Annotated[Range, Tag("range")],
    Discriminator(_kind, custom_error_type="values", custom_error_message=_WANTED),
]
"""What a setting is to be, one value after another."""

Axis = Annotated[dict[str, Values], Field(min_length=1)]
"""Settings by dotted path that move together."""

Condition = dict[str, Any]
"""Settings by dotted path with the value, or a list of the values, under which a combination is meant."""


class Start(_Written):
    """What an entry says beside its preset: its title, the earlier entry whose student of the same seed its own starts from,
    and what is varied here in place of what the sweep varies."""

    title: StrictStr = Field(min_length=1)
    starts_from: StrictStr = ""
    vary: list[Axis] | None = None


class Draw(_Written):
    """So many combinations at random, the same ones for the same seed; more of them keep the first."""

    count: int = Field(ge=1, le=10_000)
    seed: int = Field(0, ge=0)


class Tried(_Written):
    """What a sweep says beside the preset that it is."""

    entries: list[Start] = []
    vary: list[Axis] = []
    draw: Draw | None = None
    only: list[Condition] = []
    excepted: list[Condition] = Field([], alias="except")
    baseline: StrictStr = ""
    show: list[StrictStr] = []

    def starts(self) -> list[Start | None]:
        """The entries, or the sweep's own preset where it has none."""
        return list(self.entries) or [None]

    def axes(self, start: Start | None) -> list[Axis]:
        """What is varied of an entry."""
        return self.vary if start is None or start.vary is None else start.vary


KEYS = tuple(info.alias or name for name, info in Tried.model_fields.items())


@dataclass(frozen=True)
class Sweep:
    """A sweep that was read and checked. `document` knows where everything stands; `base` is the preset of all entries and
    `overlays` that of each; `folder` is what paths in `extends` count from."""

    name: str
    tried: Tried
    document: Document
    base: Document
    overlays: tuple[Document, ...]
    folder: Path

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.base.tree.get("title") or self.name)

    @property
    def notes(self) -> str:
        """What its file says of it."""
        return str(self.base.tree.get("notes") or "")

    @property
    def stem(self) -> str:
        """Its name as a folder's."""
        return Path(self.name).stem


def names() -> tuple[PresetName, ...]:
    """Every sweep that can be picked: the shipped ones and the user's own."""
    return preset_names((SWEEPS,))


def read(sweep: str | Path, *, catalogue: Catalogue | None = None) -> Sweep:
    """A sweep by its name (`sweeps/NAME`) or the path of its file. Raises PresetError with every problem found."""
    name, path = locate(sweep, kinds=(SWEEPS,))
    return _made(read_file(path), name, path.parent, catalogue or extras.catalogue())


def from_tree(tree: Mapping[str, Any], name: str, *, catalogue: Catalogue | None = None) -> Sweep:
    """A sweep out of a plain tree, such as a form makes. Raises PresetError as `read` does."""
    return _made(Document(name, tree), name, Path(), catalogue or extras.catalogue())


def _made(document: Document, name: str, folder: Path, catalogue: Catalogue) -> Sweep:
    found = list(_misspelt(document))
    unknown = {p.path for p in found}
    base = _part(document, "", (*KEYS, *unknown))
    given = document.tree.get("entries") or []
    inside = given if isinstance(given, list) else []
    overlays = [_part(document, f"entries.{n}.", ENTRY_KEYS) for n, entry in enumerate(inside) if isinstance(entry, Mapping)]
    for part in (base, *overlays):
        found += _preset_problems(part, catalogue)
    tried, wrong = _tried(document)
    found += wrong
    if tried is not None:
        found += _seeds(document, tried, overlays)
        found += [p for path, axes in _all_axes(tried) for p in axis_problems(document, path, axes, tried.draw, catalogue)]
        found += shown_problems(document, tried.show, catalogue)
        found += condition_problems(document, {"only": tried.only, "except": tried.excepted}, catalogue)
        if not (tried.entries or tried.vary or unknown):
            found.append(document.problem("", "a sweep has entries, or settings to vary; this one has neither"))
    if found or tried is None:
        raise PresetError(found)
    return Sweep(name, tried, document, base, tuple(overlays), folder)


def _misspelt(document: Document) -> Iterator[Problem]:
    """Keys that no preset has and that are nearly one of a sweep's own."""
    for key in document.tree:
        near = did_you_mean(str(key), KEYS)
        if near and key not in (*KEYS, *ASIDE, *Experiment.model_fields):
            yield document.problem(key, f"a sweep has no such key{near}", at="key")


def _part(document: Document, prefix: str, besides: Sequence[str]) -> Document:
    """The preset at a place of a document, which knows its lines: all that stands there but some keys."""
    tree: Any = document.tree
    for name in prefix.split(".")[:-1]:
        tree = tree[int(name)] if isinstance(tree, list) else tree[name]
    inside = {k: v for k, v in tree.items() if k not in besides}
    keys, values = (
        {path[len(prefix) :]: at for path, at in places.items() if path.startswith(prefix)}
        for places in (document.keys, document.values)
    )
    return Document(document.file, inside, keys, values)


def _preset_problems(part: Document, catalogue: Catalogue) -> tuple[Problem, ...]:
    try:
        checked(part, catalogue)
    except PresetError as error:
        return error.problems
    return ()


def _tried(document: Document) -> tuple[Tried | None, list[Problem]]:
    """The sweep's own keys, typed, and what is wrong with them."""
    own = {key: value for key, value in document.tree.items() if key in KEYS and value is not None}
    if isinstance(own.get("entries"), list):
        own["entries"] = [
            {k: v for k, v in e.items() if k in ENTRY_KEYS} if isinstance(e, Mapping) else e for e in own["entries"]
        ]
    try:
        return Tried.model_validate(own), []
    except ValidationError as error:
        return None, [_said(document, e) for e in error.errors()]


def _said(document: Document, error: Any) -> Problem:
    """A complaint of pydantic's as a problem with its place."""
    loc = [str(part) for n, part in enumerate(error["loc"]) if not (part in _TAGS and n > 2)]
    path = ".".join(loc)
    if error["type"] == "extra_forbidden":
        fields = Range.model_fields if "vary" in loc else Draw.model_fields
        known = [info.alias or name for name, info in fields.items()]
        hint = did_you_mean(loc[-1], known) or f"; there are {', '.join(known)}"
        return document.problem(path, f"there is no such key{hint}", at="key")
    if error["type"] == "missing":
        return document.problem(path, f"{loc[-1]} is missing")
    reason = error.get("ctx", {}).get("error")
    sentence = str(reason) if reason is not None else str(error["msg"])
    return document.problem(path, sentence[:1].lower() + sentence[1:])


def _all_axes(tried: Tried) -> Iterator[tuple[str, Sequence[Axis]]]:
    """What is varied, by where it is written."""
    yield "vary", tried.vary
    yield from ((f"entries.{n}.vary", start.vary or []) for n, start in enumerate(tried.entries))


def _seeds(document: Document, tried: Tried, overlays: Sequence[Document]) -> Iterator[Problem]:
    """Whatever would give entries seeds of their own."""
    sentence = "every entry runs on the same seeds; set it once, for the whole sweep"
    fixed = ("run.seed", "run.repeats")
    for place, axes in _all_axes(tried):
        for n, axis in enumerate(axes):
            yield from (document.problem(f"{place}.{n}.{path}", sentence, at="key") for path in axis if path in fixed)
    for part in overlays:
        own = part.tree.get("run")
        for path in fixed:
            if isinstance(own, Mapping) and path.partition(".")[2] in own:
                yield part.problem(path, sentence, at="key")
