"""Run an experiment: every repeat of it, from the start or from where it was left.

`run` is the only way to run: the window, the command line and the tests all call it.
"""

from __future__ import annotations

import dataclasses
import re
import statistics
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine import rules, runs
from engine.attempt import Attempt, made
from engine.cards import catalogue
from engine.checkpoint import CheckpointError
from engine.control import Control, Stopped
from engine.data import DataError
from engine.events import GroupEnded, Refused, RunEnded, RunStarted
from engine.export.student import StudentError
from engine.nets import NetError
from engine.plan import announce
from engine.presets import Resolved
from engine.report import Sink
from engine.resources import DeviceError, find_device, find_precision
from engine.runs import RunFolder
from engine.teachers import TeacherError

FORESEEN = (
    DataError, NetError, TeacherError, DeviceError, StudentError, CheckpointError, OSError, torch.OutOfMemoryError,
)  # fmt: skip
"""Failures whose message is already a sentence for the user."""

AVERAGED = ("top1", "top1_last", "top1_highest", "agreement", "seconds")


@dataclass(frozen=True)
class Outcome:
    """How it ended (done, stopped or failed), and each run's folder and results in the order of the seeds."""

    outcome: str
    folders: tuple[Path, ...]
    results: tuple[dict[str, Any], ...]


class RefusedError(ValueError):
    """An experiment that cannot run; `problems` name the settings and say what to do."""

    def __init__(self, problems: Sequence[rules.Problem]) -> None:
        super().__init__("; ".join(f"{p.path}: {p.sentence}" for p in problems))
        self.problems = tuple(problems)


def run(resolved: Resolved, sink: Sink, control: Control, *, home: Path | None = None, resume: Path | None = None) -> Outcome:
    """Run every repeat of an experiment, or go on with the run at `resume` and the repeats after it.

    Events go to `sink` in the calling thread. Raises RefusedError before anything is made when the experiment breaks a
    rule; failures during a run end it with a RunEnded and are raised again unless they are a user's to mend.
    """
    home = home or runs.home()
    problems = [*rules.problems(resolved.experiment, catalogue()), *_device(resolved)]
    if problems:
        sink(Refused(at=time.time(), problems=tuple({"path": p.path, "sentence": p.sentence} for p in problems)))
        raise RefusedError(problems)
    first = _started(resume) if resume else None
    group = first.group if first else _name(resolved.experiment.title or "run")
    repeats = resolved.experiment.run.repeats
    outcome, folders, results = "done", list[Path](), list[dict[str, Any]]()
    for repeat in range(first.repeat if first else 0, repeats):
        folder = RunFolder.open(resume) if resume and first and repeat == first.repeat else None
        one = _one(resolved, sink, control, home, group, repeat, folder)
        folders.append(one[0])
        results.append(one[2])
        outcome = one[1]
        if outcome != "done":
            break
    if outcome == "done" and repeats > 1:
        _sum_up(group, home, sink)
    return Outcome(outcome, tuple(folders), tuple(results))


def _device(resolved: Resolved) -> list[rules.Problem]:
    try:
        device = find_device(resolved.experiment.run.device)
        find_precision(resolved.experiment.run.precision, device)
    except DeviceError as error:
        return [rules.Problem(path="run.device", sentence=str(error))]
    return []


def resumable(path: Path) -> Resolved:
    """The experiment stored in a run folder, ready for `run(..., resume=path)`."""
    return RunFolder.open(path).experiment()


def _one(
    resolved: Resolved, sink: Sink, control: Control, home: Path, group: str, repeat: int, folder: RunFolder | None
) -> tuple[Path, str, dict[str, Any]]:
    """One seed, from creating its folder to its RunEnded: folder, outcome, results."""
    base = resolved.experiment.run.seed
    seeded = resolved.experiment.model_copy(deep=True)
    seeded.run.seed = base + repeat
    if folder is None:
        folder = RunFolder.create(home, resolved, f"{group}-s{base + repeat}")
    with folder.lock():
        one = dataclasses.replace(resolved, experiment=seeded)
        return folder.path, *_ended(one, sink, control, home, group, repeat, folder)


def _ended(
    resolved: Resolved, sink: Sink, control: Control, home: Path, group: str, repeat: int, folder: RunFolder
) -> tuple[str, dict[str, Any]]:
    attempt = Attempt(resolved, folder, sink, control, home / "teachers")
    if not folder.has_begun():
        _announce(attempt, resolved, group, repeat)
    outcome, sentence, results = "failed", "", dict[str, Any]()
    try:
        results, sentence = attempt.run()
        outcome = "done"
    except Stopped:
        outcome, sentence = "stopped", attempt.stopped()
    except FORESEEN as error:
        sentence = str(error)
    except Exception as error:
        sentence = f"{type(error).__name__}: {error}. This is a defect of kdstudio; log.txt of the run has the details."
        folder.log(traceback.format_exc())
        raise
    finally:
        attempt.report.say(RunEnded, outcome=outcome, sentence=sentence or "The process was interrupted.", results=results)
    return outcome, results


def _announce(attempt: Attempt, resolved: Resolved, group: str, repeat: int) -> None:
    experiment = resolved.experiment
    methods = {key: made(key, settings) for key, settings in experiment.methods.items()}
    attempt.report.say(
        RunStarted,
        run=attempt.folder.path.name,
        title=experiment.title or attempt.folder.path.name,
        folder=str(attempt.folder.path),
        seed=experiment.run.seed,
        group=group,
        repeat=repeat,
        repeats=experiment.run.repeats,
        plan=announce(experiment, methods, rules.ce_weight(experiment, catalogue())),
    )


def _started(path: Path) -> RunStarted:
    """The first word of a run. Raises FileNotFoundError with a sentence for a folder that is no run."""
    for event in RunFolder.open(path).events():
        if isinstance(event, RunStarted):
            return event
    return RunStarted(run=path.name, title="", folder=str(path), seed=0, group=path.name)


def _name(title: str) -> str:
    """A folder name from the time and a title."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:48] or "run"
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{words}"


def _sum_up(group: str, home: Path, sink: Sink) -> None:
    """Mean and standard deviation over the finished runs of a group."""
    rows = [row for row in runs.listing(home) if row.group == group and row.state == "done"]
    found = [RunFolder.open(row.path).results() for row in rows]
    shared = [name for name in AVERAGED if found and all(name in r for r in found)]
    sink(
        GroupEnded(
            at=time.time(),
            group=group,
            runs=tuple(row.name for row in rows),
            means={n: statistics.fmean(r[n] for r in found) for n in shared},
            deviations={n: statistics.stdev([r[n] for r in found]) if len(found) > 1 else 0.0 for n in shared},
        )
    )
