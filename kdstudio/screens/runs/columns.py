"""The columns that the table of runs can have: what they are called, what they say of a run, and what they sort by."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.runs import RunRow, fields
from kdstudio.number_fields import in_words
from kdstudio.quantities import moment, seconds, short, size
from kdstudio.widgets.texts import sentence_case


@dataclass(frozen=True)
class Group:
    """What the finished runs of one group agree on: mean and standard deviation (n - 1) of the best top-1, in percent."""

    mean: float
    deviation: float
    count: int

    def __str__(self) -> str:
        return f"{self.mean:.2f} ± {self.deviation:.2f}"


@dataclass(frozen=True)
class Column:
    """One column: how it is kept, its head, what a run has (None: nothing) and how that is said, its width in pixels."""

    key: str
    title: str
    value: Callable[[RunRow], Any]
    said: Callable[[Any], str] = str
    width: int = 100
    number: bool = False
    help: str = ""

    def words(self, row: RunRow) -> str:
        """What the column says of a run."""
        found = self.value(row)
        return "" if found is None else self.said(found)


def _text(key: str, words: Callable[[RunRow], str], width: int = 100, title: str = "", help: str = "") -> Column:
    return Column(key, title or key, lambda row: words(row) or None, str, width, help=help)


def _number(
    key: str, title: str, value: Callable[[RunRow], Any], said: Callable[[Any], str], width: int = 72, help: str = ""
) -> Column:
    return Column(key, title, value, said, width, True, help)


def _percent(value: float) -> str:
    return f"{value:.2f}"


def _result(name: str) -> Callable[[RunRow], Any]:
    return lambda row: row.results.get(name)


def _origin(row: RunRow) -> str:
    return f"{row.parent} ({row.origin})" if row.origin in ("best", "last") else row.parent


STATE, TITLE, CURVE, OVER_SEEDS = "state", "title", "curve", "over seeds"

_ALL = (
    _text(STATE, lambda r: r.state, 108),
    _text(TITLE, lambda r: r.title, 222),
    _text("dataset", lambda r: r.dataset, 104),
    _text("teacher", lambda r: "" if r.teacher == "none" else r.teacher, 78),
    _text("student", lambda r: r.student, 78),
    _text("methods", lambda r: " + ".join(r.methods) or "labels", 96),
    _number("seed", "seed", lambda r: r.seed, str, 48),
    _number("last", "last %", lambda r: r.top1_last, _percent, 62, "Top-1 of the last epoch"),
    _number("best", "best %", lambda r: r.top1_best, _percent, 62, "Top-1 of the best epoch"),
    Column(OVER_SEEDS, "over seeds %", lambda r: None, str, 106, True,
           "Mean ± standard deviation of the best, over finished repeats"),
    Column(CURVE, "accuracy", lambda r: r.curve[-1] if r.curve else None, lambda last: "", 80, False,
           "Top-1 over the epochs, each run on a scale of its own"),
    _number("time", "time", lambda r: r.seconds or None, seconds, 60, "Running time, without pauses"),
    _number("started", "started", lambda r: r.started or None, moment, 116),
    _text("tags", lambda r: " ".join(r.tags), 120),
    _text("note", lambda r: r.note.replace("\n", " "), 200),
    _text("parent", _origin, 130, help="The run whose student it started from"),
    _text("group", lambda r: r.group, 200, help="What its repeats have in common"),
    _text("name", lambda r: r.name, 220, "folder"),
    _number("agreement", "agreement %", _result("agreement"), _percent, 96, "How often it says what the teacher says"),
    _number("parameters", "parameters", _result("parameters"), short, 92, "Parameters of the student"),
    _number("multiply_adds", "multiply-adds", _result("multiply_adds"), short, 100, "Multiply-adds of the student an image"),
    _number("bytes", "bytes", _result("bytes"), size, 84, "Bytes of the student as it is stored"),
    _number("compression", "compression", _result("compression"), lambda v: f"{v:.1f} ×", 92, "Times smaller than in 32 bits"),
    _number("energy", "energy", _result("joules"), lambda v: f"{short(v)}J", 80, "Where something counts it"),
    _number("size", "on disk", lambda r: r.size, size, 84, "What its folder takes"),
)  # fmt: skip

COLUMNS: Mapping[str, Column] = {column.key: column for column in _ALL}
"""Those that every table can have; settings come beside them."""

DEFAULT = (
    STATE, TITLE, "parent", "dataset", "teacher", "student", "methods", "seed", "last", "best", OVER_SEEDS, CURVE, "time",
    "started",
)  # fmt: skip
"""What stands in the table until a person chooses."""


def column(key: str) -> Column:
    """The column that is kept under a key: one of `COLUMNS`, or the setting of that dotted name."""
    if key in COLUMNS:
        return COLUMNS[key]

    def value(row: RunRow) -> Any:
        return row.settings.get(key)

    name = key.rpartition(".")[2].replace("_", " ")
    return Column(key, name, value, in_words, 110, help=f"The setting {key}")


SAID = ("title", "notes", "run.seed")
"""Settings that the table says by other columns, or better elsewhere."""


def offered(rows: Iterable[RunRow]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What can be chosen, under headings: key and words. Settings only where they differ between the runs."""
    named = [(key, sentence_case(found.title)) for key, found in COLUMNS.items() if key not in (STATE, TITLE)]
    differing = [(name, name) for name in fields.settings(rows) if name not in SAID]
    return [("Columns", named), ("Settings that differ", differing)]


def ordered(rows: Sequence[RunRow], of: Callable[[RunRow], Any], descending: bool) -> list[RunRow]:
    """Rows by a value; whatever has none stands last, numbers before words."""

    def key(row: RunRow) -> tuple[int, Any]:
        value = of(row)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return 1, str(value).lower()
        return 0, value

    there = [row for row in rows if of(row) is not None]
    return sorted(there, key=key, reverse=descending) + [row for row in rows if of(row) is None]


def groups(rows: Sequence[RunRow]) -> dict[str, Group]:
    """Group -> its mean and deviation, for groups with at least two finished runs."""
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.group and row.state == "done" and row.top1_best is not None:
            found[row.group].append(row.top1_best)
    return {name: _group(values) for name, values in found.items() if len(values) > 1}


def _group(values: Sequence[float]) -> Group:
    """Ten times as quick as `statistics.stdev`, which sums fractions: there may be hundreds of groups."""
    mean = math.fsum(values) / len(values)
    return Group(mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)), len(values))
