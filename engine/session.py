"""Run an experiment: every repeat of it, from the start or from where it was left.

`run` is the only way to run: the window, the command line and the tests all call it.
"""

from __future__ import annotations

import dataclasses
import gc
import itertools
import re
import statistics
import time
import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine import cataloguing, extras, method, plugins, rules, runs
from engine.attempt import Attempt
from engine.checkpoint import CheckpointError
from engine.control import Control, Stopped
from engine.data import DataError
from engine.downloads import DownloadError
from engine.events import GroupEnded, Refused, RunEnded, RunStarted
from engine.experiment import Experiment
from engine.export.student import StudentError
from engine.extras import catalogue
from engine.ledger import energy_counter, give_back
from engine.nets import NetError
from engine.pairing import PairError
from engine.plan import announce
from engine.presets import Resolved
from engine.report import Sink
from engine.resources import DeviceError, find_device, find_precisions
from engine.runs import RunFolder
from engine.runs.lock import LockedError
from engine.sources import SourceError

FORESEEN = (
    DataError, DownloadError, NetError, PairError, SourceError, DeviceError, StudentError, CheckpointError, OSError,
    torch.OutOfMemoryError,
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


def run(
    resolved: Resolved,
    sink: Sink,
    control: Control,
    *,
    home: Path | None = None,
    resume: Path | None = None,
    repeats: Collection[int] | None = None,
) -> Outcome:
    """Run every repeat of an experiment, or go on with the run at `resume` and the repeats after it.

    Events go to `sink` in the calling thread. `home` is the folder of the runs: the user's where it is not given, or the
    one in which the resumed run lies. `repeats`, where it is given, are those to run now, counted from 0; with `resume` they
    join the group of that run. Raises RefusedError before anything is made when the experiment breaks a rule, when
    nothing is left to resume, or when the folder cannot be written or is in use; failures during a run end it with a
    RunEnded and are raised again unless they are a user's to mend.
    """
    home = home or (resume.resolve().parent if resume else runs.home())
    problems = refusals(resolved, home)
    if problems:
        raise _refused(problems, sink)
    first = _started(resume) if resume else None
    group = first.group if first else _name(resolved.experiment.title or "run", home)
    there = {**_members(home, group, resolved), first.repeat: resume} if first and resume else {}
    left = _left(resolved, first, there, repeats)
    if not left:
        raise _refused([rules.Problem("run", f"{resume} is finished; `kdstudio export` takes its student away")], sink)
    outcome, folders, results = "done", list[Path](), list[dict[str, Any]]()
    for repeat in left:
        gc.collect()  # an attempt's nets and hooks refer to each other: without this the last repeat's data set stays
        give_back()
        path, outcome, found = _one(resolved, sink, control, home, group, repeat, there.get(repeat))
        folders.append(path)
        results.append(found)
        if outcome != "done":
            break
    if outcome == "done" and resolved.experiment.run.repeats > 1 and repeats is None:
        _sum_up(group, home, sink)
    return Outcome(outcome, tuple(folders), tuple(results))


def refusals(resolved: Resolved, home: Path) -> list[rules.Problem]:
    """Why an experiment cannot run here, its runs lying under `home`; empty where it can. Nets that the catalogue lacks are
    counted for it."""
    found = _completed(resolved.experiment)
    return found or [*rules.problems(resolved.experiment, catalogue(), home=home), *_device(resolved)]


def _refused(problems: Sequence[rules.Problem], sink: Sink) -> RefusedError:
    sink(Refused(at=time.time(), problems=tuple({"path": p.path, "sentence": p.sentence} for p in problems)))
    return RefusedError(problems)


def _completed(experiment: Experiment) -> list[rules.Problem]:
    """Count what the catalogue lacks of the nets named, on these images; why one of them, or one of the methods, cannot be
    used."""
    found, named = [], {"teacher.net": experiment.teacher.net, "student.net": experiment.student.net}
    for key in experiment.methods:
        try:
            method.find(key)
        except plugins.PluginError as error:
            found.append(rules.Problem(f"methods.{key}", str(error)))
    for path, net in named.items():
        try:
            cataloguing.complete([net])
            cataloguing.complete([net], cataloguing.uncounted(experiment, catalogue()))
        except NetError as error:
            found.append(rules.Problem(path, str(error)))
        except OSError as error:
            where = f"{extras.path()} cannot be written ({error.strerror})"
            found.append(rules.Problem(path, f"{where}, where what {net} comes to is kept; make room, or let it be written"))
    return found


def _members(home: Path, group: str, resolved: Resolved) -> dict[int, Path]:
    """The runs of a group that are there, by the number of their repeat."""
    rows = [row for row in runs.listing(home) if row.group == group]
    return {row.seed - resolved.experiment.run.seed: row.path for row in rows}


def _left(
    resolved: Resolved, first: RunStarted | None, there: Mapping[int, Path], repeats: Collection[int] | None
) -> list[int]:
    """The repeats to run: those asked for, else all of a fresh experiment and of a resumed one those from its own on; none that
    has finished."""
    following = range(first.repeat if first else 0, resolved.experiment.run.repeats)
    wanted = following if repeats is None else sorted(repeats)
    return [n for n in wanted if n not in there or RunFolder.open(there[n]).state() != "done"]


def _device(resolved: Resolved) -> list[rules.Problem]:
    try:
        device = find_device(resolved.experiment.run.device)
        find_precisions(resolved.experiment.run.precision, device)
    except DeviceError as error:
        return [rules.Problem(path="run.device", sentence=str(error))]
    if resolved.experiment.run.energy_budget and energy_counter(device) is None:
        said = f"nothing counts the energy of {device} here; set a budget of time (run.time_budget) instead, or 0"
        return [rules.Problem(path="run.energy_budget", sentence=said)]
    return []


def resumable(path: Path) -> Resolved:
    """The experiment stored in a run folder, ready for `run(..., resume=path)`."""
    return RunFolder.open(path).experiment()


def _one(
    resolved: Resolved, sink: Sink, control: Control, home: Path, group: str, repeat: int, path: Path | None
) -> tuple[Path, str, dict[str, Any]]:
    """One seed, from creating or opening its folder to its RunEnded: folder, outcome, results."""
    seeded = resolved.experiment.model_copy(deep=True)
    seeded.run.seed += repeat
    try:
        folder = RunFolder.open(path) if path else RunFolder.create(home, resolved, f"{group}-s{seeded.run.seed}")
    except OSError as error:
        sentence = f"{home} cannot be written ({error.strerror}); choose another folder with --runs"
        raise _refused([rules.Problem("runs", sentence)], sink) from error
    try:
        with folder.lock():
            one = dataclasses.replace(resolved, experiment=seeded)
            return folder.path, *_ended(one, sink, control, home, group, repeat, folder)
    except LockedError as error:
        raise _refused([rules.Problem("run", str(error))], sink) from error


def _ended(
    resolved: Resolved, sink: Sink, control: Control, home: Path, group: str, repeat: int, folder: RunFolder
) -> tuple[str, dict[str, Any]]:
    attempt = Attempt(resolved, folder, sink, control, home / "teachers")
    if not folder.has_begun():
        _announce(attempt, resolved, group, repeat)
    outcome, sentence, results = "failed", "", dict[str, Any]()
    try:
        outcome, sentence, results = _driven(attempt)
    except FORESEEN as error:
        sentence = str(error)
    except Exception as error:
        folder.log(traceback.format_exc())
        sentence = plugins.culprit(error)
        if not sentence:
            sentence = f"{type(error).__name__}: {error}. This is a defect of kdstudio; log.txt of the run has the details."
            raise
    finally:
        attempt.close()
        attempt.report.say(RunEnded, outcome=outcome, sentence=sentence or "The process was interrupted.", results=results)
    return outcome, results


def _driven(attempt: Attempt) -> tuple[str, str, dict[str, Any]]:
    try:
        results, sentence = attempt.run()
    except Stopped:
        return "stopped", attempt.stopped(), {}
    return "done", sentence, results


def _announce(attempt: Attempt, resolved: Resolved, group: str, repeat: int) -> None:
    experiment = resolved.experiment
    attempt.report.say(
        RunStarted,
        run=attempt.folder.path.name,
        title=experiment.title or attempt.folder.path.name,
        folder=str(attempt.folder.path),
        seed=experiment.run.seed,
        group=group,
        repeat=repeat,
        repeats=experiment.run.repeats,
        plan=announce(experiment, attempt.methods, rules.ce_weight(experiment, catalogue()), rules.compared(experiment)),
    )
    for warning in rules.warnings(experiment, catalogue()):
        attempt.report.note(f"{warning.path}: {warning.sentence}", "warning")


def _started(path: Path) -> RunStarted:
    """The first word of a run, or what stands for it where the run was killed before it. Raises RunError for a folder that
    is no run."""
    for event in RunFolder.open(path).events():
        if isinstance(event, RunStarted):
            return event
    return RunStarted(run=path.name, title="", folder=str(path), seed=0, group=path.name)


def _name(title: str, home: Path) -> str:
    """A folder name from the time and a title, which no group has yet: two may start within a second."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:48] or "run"
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{words}"
    names = (name if n == 1 else f"{name}-{n}" for n in itertools.count(1))
    return next(n for n in names if not any(home.glob(f"{n}-s*")))


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
