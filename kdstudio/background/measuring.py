"""Has the experiment in the form measured by a child process: what it will take, in time and memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from engine.experiment import Experiment
from kdstudio.background.child import Child
from kdstudio.store import Store

BEGINS = "Beginning to measure; torch is loaded first…"
KEPT = 32
"""Experiments whose measures are remembered."""


@dataclass(frozen=True)
class Stage:
    """One stage: its title, the seconds it will take, those for each of its steps (0: it has none), how that was measured."""

    title: str
    seconds: float
    step: float
    words: str


@dataclass(frozen=True)
class Measure:
    """What one run will take: its stages and seconds, the most memory it held of what the device has (bytes), and on what."""

    stages: tuple[Stage, ...]
    seconds: float
    peak_memory: int
    memory: int
    device: str

    @classmethod
    def of(cls, cost: Mapping[str, Any]) -> Measure:
        """From what `kdstudio probe --json` says last."""
        stages = tuple(Stage(s["title"], s["seconds"], s["seconds_a_step"], s["words"]) for s in cost["stages"])
        return cls(stages, cost["seconds"], cost["peak_memory"], cost["memory"], _device(cost["resources"]))


def _device(resources: Mapping[str, Any]) -> str:
    """`CPU, 2 threads, float32`, `NVIDIA H200, bfloat16, compiled`."""
    threads = resources["threads"]
    parts = [resources["name"], *([f"{threads} thread{'s' * (threads != 1)}"] if resources["device"] == "cpu" else [])]
    return ", ".join([*parts, resources["precision"], *(["compiled"] if resources["compile"] else [])])


class Measuring(QObject):
    """At most one child at a time. `changed` says that something else is to be shown: `doing` is what is being done in words,
    empty while nothing is; `problem` is why the last measurement came to nothing."""

    changed = Signal()

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._child = Child(self)
        self._child.said.connect(self._hear)
        self._child.ended.connect(self._end)
        self._asked: Experiment | None = None
        self._found: list[tuple[Experiment, Measure]] = []
        self.doing, self.problem = "", ""

    @property
    def busy(self) -> bool:
        """Whether something is being measured."""
        return self._child.busy

    def found(self) -> Measure | None:
        """What was measured of the experiment as it stands; None where it was not."""
        wanted = _bare(self._store.resolved().experiment)
        return next((measure for experiment, measure in self._found if experiment == wanted), None)

    def last(self) -> Measure | None:
        """What was measured last, of whatever experiment."""
        return self._found[-1][1] if self._found else None

    def begin(self) -> None:
        """Measure the experiment as it stands."""
        if self.busy:
            return
        self._asked, self.doing, self.problem = _bare(self._store.resolved().experiment), BEGINS, ""
        home = self._store.home
        self._child.start(["probe", *self._store.arguments(), "--json", *(["--runs", str(home)] if home else [])])
        self.changed.emit()

    def cancel(self) -> None:
        """Give the measurement up."""
        self._child.end()
        self.doing = ""
        self.changed.emit()

    def _hear(self, line: dict[str, Any]) -> None:
        if "measuring" in line:
            self.doing = f"Measuring {line['measuring']}…"
        elif "cost" in line and self._asked is not None:
            others = [pair for pair in self._found if pair[0] != self._asked]
            self._found = [*others, (self._asked, Measure.of(line["cost"]))][-KEPT:]
        self.changed.emit()

    def _end(self, code: int, words: str) -> None:
        self.doing = ""
        last = (words.splitlines() or ["the measurement ended without a word"])[-1]
        self.problem = last if code else ""
        self.changed.emit()


def _bare(experiment: Experiment) -> Experiment:
    """The experiment without what takes no time: its words, and how often it is repeated."""
    run = experiment.run.model_copy(update={"repeats": 1, "seed": 0})
    return experiment.model_copy(update={"title": "", "notes": "", "expected": None, "run": run})
