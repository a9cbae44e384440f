"""What came out of a sweep: a row for each entry, over its seeds, beside the baseline."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.events import RunEnded, StageEnded
from engine.paired import Difference, Spread, difference, spread
from engine.runs import RunFolder
from engine.sweeps.declared import Sweep
from engine.sweeps.entries import Entry
from engine.sweeps.state import Progress

LAST, CHOSEN = "top1_last", "top1"
"""Results of a run in percent: of the last epoch, and of the epoch that was chosen and exported."""

TIME, MEMORY = "time", "memory"
"""What `show` calls the seconds of an epoch and the memory that distilling took."""


@dataclass(frozen=True)
class Run:
    """One finished run. `results` are its RunEnded's; `measured` the last value of every curve, by name; `time` seconds of an
    epoch, evaluations included; `memory` bytes by which the process (on a GPU: what is allocated there) grew from the end of
    loading the data to the peak of distilling."""

    seed: int
    path: Path
    results: Mapping[str, Any]
    measured: Mapping[str, float]
    time: float | None
    memory: float | None

    @property
    def moved(self) -> bool:
        """Whether a person moved weights of its terms while it went on: then its settings do not say what it was."""
        return bool(self.results.get("weights_moved"))

    def value(self, name: str) -> float | None:
        """A number by its name: time, memory, a result, or the last value of a curve."""
        if name in (TIME, MEMORY):
            return self.time if name == TIME else self.memory
        found = self.results.get(name, self.measured.get(name))
        return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None


@dataclass(frozen=True)
class Row:
    """An entry and its finished runs, beside those of the baseline."""

    entry: Entry
    runs: tuple[Run, ...]
    baseline: tuple[Run, ...]
    is_baseline: bool

    def by_seed(self, name: str) -> dict[int, float]:
        """A number of each run that has it."""
        return _by_seed(self.runs, name)

    def spread(self, name: str) -> Spread | None:
        """Mean and deviation of a number over the seeds."""
        return spread(list(self.by_seed(name).values()))

    def median(self, name: str) -> float | None:
        """The median over the seeds: of time and memory, in which one run that something disturbed would show."""
        values = self.by_seed(name).values()
        return statistics.median(values) if values else None

    def gain(self, name: str) -> Difference | None:
        """The paired difference of a number to the baseline over the runs whose weights nobody moved; None for the baseline
        itself."""
        if self.is_baseline:
            return None
        return difference(*(_by_seed([run for run in runs if not run.moved], name) for runs in (self.runs, self.baseline)))

    def ratio(self, name: str) -> float | None:
        """The median over that of the baseline."""
        ours, theirs = self.median(name), _median(self.baseline, name)
        return None if ours is None or not theirs else ours / theirs

    def extra(self, name: str) -> float | None:
        """The median less that of the baseline."""
        ours, theirs = self.median(name), _median(self.baseline, name)
        return None if ours is None or theirs is None else ours - theirs


def rows(sweep: Sweep, entries: Sequence[Entry], progress: Progress) -> tuple[Row, ...]:
    """The rows of a sweep in the order of its entries, with what is finished of each."""
    found = {entry.title: tuple(_finished(entry, progress)) for entry in entries}
    first = baseline_of(sweep, entries).title
    return tuple(Row(e, found[e.title], found[first], e.title == first) for e in entries)


def baseline_of(sweep: Sweep, entries: Sequence[Entry]) -> Entry:
    """The entry that the others are compared with: the one that the sweep names, else the first."""
    return next((e for e in entries if e.title == sweep.tried.baseline), entries[0])


def _finished(entry: Entry, progress: Progress) -> list[Run]:
    paths = {seed: progress.run_of(entry, seed) for seed in entry.seeds}
    return [run for seed, path in paths.items() if path is not None and (run := read_run(path, seed)) is not None]


def read_run(path: Path, seed: int) -> Run | None:
    """A run as far as a table needs it; None unless it is done."""
    folder = RunFolder.open(path)
    if folder.state() != "done":
        return None
    events = folder.events()
    costs = {e.stage: e for e in events if isinstance(e, StageEnded)}
    ended = next(e for e in reversed(events) if isinstance(e, RunEnded))
    results, loading, distilling = ended.results, costs.get("data"), costs.get("distilling")
    epochs = results.get("epochs")
    return Run(
        seed=seed,
        path=path,
        results=results,
        measured={name.partition("/")[2]: float(c.values[-1]) for name, c in folder.columns().items() if len(c.values)},
        time=distilling.seconds / epochs if distilling and epochs else None,
        memory=float(max(0, distilling.peak_memory - loading.peak_memory)) if distilling and loading else None,
    )


def _by_seed(runs: Sequence[Run], name: str) -> dict[int, float]:
    return {run.seed: value for run in runs if (value := run.value(name)) is not None}


def _median(runs: Sequence[Run], name: str) -> float | None:
    values = _by_seed(runs, name).values()
    return statistics.median(values) if values else None
