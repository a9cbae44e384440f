"""What can be asked of a run in the table: named fields, results of its end, and every setting by its dotted name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.runs.rows import RunRow

Kind = Literal["number", "text", "set", "time", "duration", "bytes", "choice"]


@dataclass(frozen=True)
class Field:
    """One thing a run has: its name in filters, its value (None where a run lacks it), what it is, and a sentence of help.
    Durations are in seconds, times in unix seconds."""

    name: str
    kind: Kind
    value: Callable[[RunRow], Any]
    help: str

    @property
    def is_number(self) -> bool:
        """Whether values can be greater than others."""
        return self.kind in ("number", "time", "duration", "bytes")


def _result(name: str, key: str, help: str, kind: Kind = "number") -> Field:
    return Field(name, kind, lambda row: row.results.get(key), help)


def _setting(name: str, key: str, help: str) -> Field:
    return Field(name, "number", lambda row: row.settings.get(key), help)


_ALL = (
    Field("state", "choice", lambda r: r.state, "running, done, stopped, failed or interrupted"),
    Field("title", "text", lambda r: r.title, "its title, as you may have renamed it"),
    Field("name", "text", lambda r: r.name, "the name of its folder"),
    Field("dataset", "text", lambda r: r.dataset, "the dataset"),
    Field("teacher", "text", lambda r: r.teacher, "the teacher net; none where there is none"),
    Field("student", "text", lambda r: r.student, "the student net"),
    Field("method", "set", lambda r: r.methods, "one of its methods"),
    Field("tag", "set", lambda r: r.tags, "one of its tags"),
    Field("moved", "set", lambda r: r.moved, "a term whose weight was moved while it went on, which leaves it out of pairing"),
    Field("note", "text", lambda r: r.note, "your note"),
    Field("group", "text", lambda r: r.group, "what its repeats have in common"),
    Field("parent", "text", lambda r: r.parent, "the run whose student it started from"),
    Field("seed", "number", lambda r: r.seed, "the seed"),
    Field("top1", "number", lambda r: r.top1_best, "top-1 of the chosen epoch, in percent"),
    Field("last", "number", lambda r: r.top1_last, "top-1 of the last epoch, in percent"),
    _result("highest", "top1_highest", "highest top-1 of any epoch, in percent"),
    _result("agreement", "agreement", "how often it says what the teacher says, in percent"),
    _result("parameters", "parameters", "parameters of the student"),
    _result("multiply_adds", "multiply_adds", "multiply-adds of the student for an image"),
    _result("bytes", "bytes", "bytes of the student as it is stored", "bytes"),
    _result("compression", "compression", "how many times smaller than in 32 bits"),
    _result("energy", "joules", "joules it took, where something counts them"),
    _setting("epochs", "training.epochs", "epochs it was set to"),
    _setting("batch_size", "training.batch_size", "images of a step"),
    _setting("learning_rate", "training.learning_rate", "learning rate it began with"),
    Field("time", "duration", lambda r: r.seconds, "running time without pauses: 90s, 10m, 2h"),
    Field("age", "duration", lambda r: time.time() - r.started if r.started else None, "time since it started: 30m, 7d"),
    Field("started", "time", lambda r: r.started or None, "the day it started: 2025-03-04"),
    Field("size", "bytes", lambda r: r.size, "what its folder takes on disk: 20MB, 1.5GB"),
)

FIELDS: Mapping[str, Field] = {field.name: field for field in _ALL}

STATES = ("running", "done", "stopped", "failed", "interrupted")

FLAGS: Mapping[str, Callable[[RunRow], bool]] = {
    "archived": lambda row: row.archived,
    "moved": lambda row: bool(row.moved),
    **{state: (lambda row, state=state: row.state == state) for state in STATES},  # type: ignore[misc]
}
"""Words that say something of a run by themselves."""


def of_setting(name: str) -> Field:
    """A setting by its dotted name."""
    return Field(name, "text", lambda row: row.settings.get(name), "a setting")


def settings(rows: Iterable[RunRow]) -> list[str]:
    """Every setting that differs between some runs, or that some lack: those worth a column."""
    found: dict[str, list[Any]] = {}
    count = 0
    for row in rows:
        count += 1
        for name, value in row.settings.items():
            found.setdefault(name, []).append(value)
    return sorted(n for n, values in found.items() if len(values) < count or any(v != values[0] for v in values))


def words(row: RunRow) -> str:
    """Everything of a run in which a searched word may stand, in lower case."""
    said = (row.name, row.title, row.state, row.dataset, row.teacher, row.student, " ".join(row.methods) or "labels",
            f"seed {row.seed}", row.group, row.parent, " ".join(row.tags), row.note)  # fmt: skip
    return "\n".join(said).lower()
