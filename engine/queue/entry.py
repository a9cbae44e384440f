"""One entry of the queue, and how an experiment names another entry whose student it waits for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

from engine.experiment import Experiment
from engine.lineage import AWAITED, ROLES

State = Literal["waiting", "held", "running", "done", "stopped", "failed", "refused"]
"""`held`: taken out to be edited; `stopped`: by a person, it can go on; `refused`: it broke a rule when its turn came."""

What = Literal["train", "export"]

OVER: tuple[State, ...] = ("done", "stopped", "failed", "refused")


class QueueError(ValueError):
    """The queue cannot be read, or an order cannot be followed; the sentence says why and what to do."""


@dataclass(frozen=True)
class Entry:
    """Something to be done in its turn: an experiment to run, or the student of an entry to export.

    `sources` says for `teacher` and `student` (for an export: `run`) which entry makes it. `runs` are the folders made so
    far by the number of the repeat, from 0; `resume` the folder of a run that is gone on with; `device` the one it asks for
    (empty: any) and `on` that on which it runs; `owner` the window that runs or edits it; `batch` what it was queued with.
    `seconds` is what it took so far, `estimate` what it was thought to take (0: nobody knew), `gist` what it is in a line.
    """

    key: str
    title: str
    what: What = "train"
    state: State = "waiting"
    sources: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    repeats: int = 1
    device: str = ""
    runs: Mapping[int, str] = field(default_factory=dict)
    resume: str = ""
    folder: str = ""
    owner: str = ""
    on: str = ""
    batch: str = ""
    sentence: str = ""
    added: float = 0.0
    seconds: float = 0.0
    gist: str = ""
    estimate: float = 0.0

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.state in OVER

    def waiting(self, sentence: str = "") -> Entry:
        """The same entry in line again; what it has run so far is gone on with."""
        return replace(self, state="waiting", owner="", on="", sentence=sentence)

    def as_json(self) -> dict[str, Any]:
        """Plain data, defaults left out."""
        blank = Entry("", "")
        return {k: v for k, v in asdict(self).items() if k in ("key", "title") or v != getattr(blank, k)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        """The inverse of `as_json`. Raises QueueError for anything else."""
        known = {f.name for f in fields(cls)}
        try:
            made = {k: v for k, v in data.items() if k in known}
            made["runs"] = {int(n): _plain(str(run)) for n, run in made.get("runs", {}).items()}
            entry = cls(**made)
        except (TypeError, ValueError, AttributeError) as error:
            raise QueueError(f"an entry is none: {error}") from error
        if entry.state not in get_args(State) or entry.what not in get_args(What) or _plain(entry.key) != entry.key:
            raise QueueError(f"the entry {entry.key!r} says {entry.what!r} and {entry.state!r}, which is nothing known")
        return entry


def gist(experiment: Experiment) -> str:
    """An experiment in a line: `digits · resnet20 → resnet8 · dkd · 30 epochs`."""
    taught = experiment.teacher.net != "none"
    nets = f"{experiment.teacher.net} → {experiment.student.net}" if taught else experiment.student.net
    bits = experiment.student.quantize
    low = "" if (bits.weights, bits.activations) == (32, 32) else f"{bits.weights}/{bits.activations} bits"
    epochs = f"{experiment.training.epochs} epochs"
    return " · ".join(part for part in (experiment.dataset.name, nets, low, " + ".join(experiment.methods), epochs) if part)


def new_key() -> str:
    """A key that no entry has."""
    return uuid.uuid4().hex[:12]


def awaited(experiment: Experiment) -> dict[str, str]:
    """The entries an experiment waits for: `teacher` or `student` -> key."""
    named = {who: getattr(experiment, who) for who in ROLES}
    return {
        who: net.run.removeprefix(AWAITED)
        for who, net in named.items()
        if net.source == "run" and net.run.startswith(AWAITED) and not (who == "teacher" and net.net == "none")
    }


def filled(experiment: Experiment, runs: Mapping[str, str]) -> Experiment:
    """The experiment with the runs that were made: `teacher` or `student` -> name or folder of a run."""
    made = experiment.model_copy(deep=True)
    for who, run in runs.items():
        getattr(made, who).run = run
    return made


def _plain(name: str) -> str:
    """A name that leads to no other folder. Raises ValueError."""
    if not name or name in (".", "..") or "/" in name or "\\" in name:
        raise ValueError(f"{name!r} is no name")
    return name
