"""Run the entries of a sweep in order, each seed through `session.run`; go on where an earlier attempt was left."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from engine import extras, session
from engine.control import Control
from engine.events import EntryEnded, Event, Note, Refused, RunEnded, RunStarted, SweepEnded, SweepProgressed, SweepStarted
from engine.presets import Problem, Resolved
from engine.report import Sink
from engine.runs import LockedError, RunFolder
from engine.runs.lock import locked
from engine.sweeps import contents, report
from engine.sweeps.declared import Sweep
from engine.sweeps.entries import Entry
from engine.sweeps.estimate import seconds_left
from engine.sweeps.state import Progress, edits, folder_of
from engine.sweeps.table import CHOSEN, LAST, baseline_of, rows

Ending = Literal["done", "stopped", "failed", "refused"]

NAMED = 3
"""Entries or settings that a sentence names before it says how many more there are."""


def run(
    sweep: Sweep, entries: Sequence[Entry], sink: Sink, control: Control, *, home: Path, keep_going: bool = False
) -> Literal["done", "stopped", "failed"]:
    """Run what is left of a sweep and report on all that is done.

    Every entry is asked about before anything starts: RefusedError names those that cannot run, which `keep_going` leaves out
    instead. It also goes on after a run that failed; a defect is raised at the end, beside those of other entries.
    Raises RefusedError, too, while another process runs this sweep, and SweepError where what it keeps cannot be read.
    """
    folder = folder_of(home, sweep.stem)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sentence = f"{folder} cannot be written ({error.strerror}); choose another folder with --runs"
        raise _refuse([Problem("runs", sentence)], sink) from error
    try:
        with locked(folder / "lock"):
            return _Driver(sweep, entries, sink, control, Progress(home, sweep.stem), keep_going).run()
    except LockedError as error:
        sentence = f"{sweep.name} is being run by another process; wait, or stop that one"
        raise _refuse([Problem("sweep", sentence)], sink) from error


def _refuse(problems: Sequence[Problem], sink: Sink) -> session.RefusedError:
    sink(Refused(at=time.time(), problems=tuple({"path": p.path, "sentence": p.sentence} for p in problems)))
    return session.RefusedError(problems)


@dataclass
class _Driver:
    """One attempt at a sweep."""

    sweep: Sweep
    entries: Sequence[Entry]
    sink: Sink
    control: Control
    progress: Progress
    keep_going: bool
    spent: dict[str, list[float]] = field(default_factory=dict)
    endings: dict[str, Ending] = field(default_factory=dict)
    defects: list[Exception] = field(default_factory=list)
    last_word: str = ""

    @property
    def planned(self) -> int:
        """Runs in all."""
        return sum(len(entry.seeds) for entry in self.entries)

    @property
    def unfinished(self) -> int:
        """Runs that are not done."""
        return sum(len(self.progress.left(entry)) for entry in self.entries)

    def run(self) -> Literal["done", "stopped", "failed"]:
        refused = self._refused()
        if refused and not self.keep_going:
            raise _refuse(_grouped(refused, self.entries), self.sink)
        self._begin()
        for entry in self.entries:
            if self.control.stopping():
                break
            problems = [p for e, found in refused if e is entry for p in found]
            ending, sentence = self._entry(entry) if not problems else ("refused", _sentence(problems))
            self._end(entry, ending, sentence)
            if ending == "stopped" or (ending != "done" and not self.keep_going):
                break
        return self._close()

    def _refused(self) -> list[tuple[Entry, list[Problem]]]:
        """The entries that cannot run, with the reasons; a student still to be made is taken as made."""
        found = [(entry, session.refusals(entry.resolved, self.progress.home)) for entry in self.entries]
        waiting = [(e, [p for p in problems if not (e.after and p.path == "student.run")]) for e, problems in found]
        return [(entry, problems) for entry, problems in waiting if problems]

    def _begin(self) -> None:
        for entry in self.entries:
            done = [s for s in entry.seeds if self.progress.state_of(entry, s) == "done"]
            paths = [path for s in done if (path := self.progress.run_of(entry, s)) is not None]
            self.spent[entry.key] = [_seconds(RunFolder.open(path).results()) for path in paths]
        self._say(SweepStarted(
            sweep=self.sweep.name, title=self.sweep.title, folder=str(self.progress.folder),
            entries=tuple(entry.title for entry in self.entries), baseline=baseline_of(self.sweep, self.entries).title,
            runs=self.planned, done=self.planned - self.unfinished,
        ))  # fmt: skip
        for entry, before in edits(self.progress, self.entries):
            self._say(Note(text=_edited(entry, before), severity="warning"))

    def _ahead(self) -> dict[str, int]:
        """The runs that are still to come of each entry: none of those that failed or were refused."""
        return {entry.key: len(self.progress.left(entry)) for entry in self.entries if entry.title not in self.endings}

    def _entry(self, entry: Entry) -> tuple[Ending, str]:
        """Run the seeds of an entry that are left."""
        for seed in self.progress.left(entry):
            if entry.after and self.progress.state_of(self._source(entry), seed) != "done":
                return "refused", f"{entry.after!r}, whose student it starts from, has not ended on seed {seed}"
            self._say_progress(entry)
            try:
                outcome = self._seed(entry, seed)
            except session.RefusedError as error:
                return "refused", _sentence(error.problems)
            except Exception as error:
                if not self.keep_going:
                    raise
                self.defects.append(error)  # raised again when the others are done
                return "failed", f"{type(error).__name__}: {error}"
            if outcome != "done":
                return outcome, f"seed {seed}: {self.last_word}"
        return "done", ""

    def _seed(self, entry: Entry, seed: int) -> Literal["done", "stopped", "failed"]:
        own = self.progress.run_of(entry, seed)
        others = (path for other in entry.seeds if (path := self.progress.run_of(entry, other)) is not None)
        outcome = session.run(
            self._resolved(entry, seed), lambda event: self._heard(entry, seed, event), self.control,
            home=self.progress.home, resume=own or next(others, None), repeats=(entry.seeds.index(seed),),
        )  # fmt: skip
        return outcome.outcome  # type: ignore[return-value]

    def _resolved(self, entry: Entry, seed: int) -> Resolved:
        """The experiment of an entry; where it starts from another's students, with the run of that seed."""
        if not entry.after:
            return entry.resolved
        path = self.progress.run_of(self._source(entry), seed)
        experiment = entry.resolved.experiment.model_copy(deep=True)
        experiment.student.run = path.name if path else ""
        return replace(entry.resolved, experiment=experiment)

    def _source(self, entry: Entry) -> Entry:
        return next(e for e in self.entries if e.title == entry.after)

    def _heard(self, entry: Entry, seed: int, event: Event) -> None:
        """Pass an event of a run on; remember where the run lies, and what it took."""
        if isinstance(event, RunStarted):
            self.progress.began(entry, seed, event.run)
        self.sink(event)
        if isinstance(event, RunEnded):
            self.last_word = event.sentence
        if isinstance(event, RunEnded) and event.outcome == "done":
            self.spent[entry.key].append(_seconds(event.results))

    def _say_progress(self, entry: Entry) -> None:
        self._say(SweepProgressed(
            entry=entry.title, number=self.entries.index(entry) + 1, entries=len(self.entries), runs=self.planned,
            done=self.planned - self.unfinished, seconds_left=seconds_left(self.spent, self._ahead()),
        ))  # fmt: skip

    def _end(self, entry: Entry, ending: Ending, sentence: str) -> None:
        self.endings[entry.title] = ending
        row = next(r for r in rows(self.sweep, [entry], self.progress))
        found = {name: made for name in (LAST, CHOSEN) if (made := row.spread(name)) is not None}
        self._say(EntryEnded(
            entry=entry.title, outcome=ending, sentence=sentence, runs=tuple(run.path.name for run in row.runs),
            means={name: made.mean for name, made in found.items()},
            deviations={name: made.deviation for name, made in found.items() if made.deviation is not None},
        ))  # fmt: skip

    def _close(self) -> Literal["done", "stopped", "failed"]:
        """Write the report, say how it ended, and raise the defects that were met on the way."""
        stopped = self.control.stopping() or "stopped" in self.endings.values()
        wrong = [title for title, ending in self.endings.items() if ending in ("failed", "refused")]
        outcome: Literal["done", "stopped", "failed"] = "failed" if wrong else "stopped" if stopped else "done"
        found = rows(self.sweep, self.entries, self.progress)
        files = report.write(self.sweep, found, self.progress.folder)
        left = f"{self.unfinished} of {self.planned} runs are left; the same command goes on with them"
        sentence = left if self.unfinished else "Every run is done"
        sentence += f"; {_several(wrong)} did not run to the end." if wrong else "."
        for name in report.unmeasured(self.sweep, found):
            self._say(Note(text=f"show: no run has measured {name!r}", severity="warning"))
        self._say(SweepEnded(
            outcome=outcome, sentence=sentence, folder=str(self.progress.folder), files=tuple(p.name for p in files)
        ))  # fmt: skip
        if self.defects:
            raise ExceptionGroup("defects met in a sweep that went on", self.defects)
        return outcome

    def _say(self, event: Event) -> None:
        self.sink(replace(event, at=time.time()))


def _seconds(results: Mapping[str, Any]) -> float:
    """What a run took without its teacher's training, which is kept for the next one."""
    return float(results.get("seconds", 0.0)) - float(results.get("seconds_teacher", 0.0))


def _edited(entry: Entry, before: Path) -> str:
    """What differs from the run that an entry of this title had before."""
    known = extras.catalogue()
    found = contents.differences(RunFolder.open(before).experiment().experiment, entry.resolved.experiment, known)
    said = [contents.change(path, *pair) for path, pair in found.items() if path != "student.run"]
    return f"{entry.title!r} was run with other settings ({_several(said) or 'its start'}); it is run anew"


def _sentence(problems: Iterable[Problem]) -> str:
    return "; ".join(f"{p.path}: {p.sentence}" for p in problems)


def _grouped(refused: Sequence[tuple[Entry, Sequence[Problem]]], entries: Sequence[Entry]) -> list[Problem]:
    """Each reason once, with the entries it holds for."""
    by_reason = dict[tuple[str, str], list[str]]()
    for entry, problems in refused:
        for problem in problems:
            by_reason.setdefault((problem.path, problem.sentence), []).append(entry.title)
    every = len(entries)
    return [
        Problem(path, f"{sentence} ({'every entry' if len(who) == every else _several(who)})")
        for (path, sentence), who in by_reason.items()
    ]


def _several(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
