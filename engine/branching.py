"""Branching: a run that starts from a checkpoint of another one, its student as it stood there, and what the methods had
learned where they are set as there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from engine import checkpoint, lineage, nets
from engine.experiment import Experiment
from engine.method import Method
from engine.nets.net import Net
from engine.presets import PresetError
from engine.runs import RunFolder
from engine.stages import DISTILLING

State = Mapping[str, Tensor]


class BranchError(ValueError):
    """A checkpoint that nothing can start from; the sentence says why, and what to do."""


@dataclass(frozen=True)
class Left:
    """What a checkpoint holds: the student's net, the names of its classes, after which epoch, and what each method had
    learned (nothing in the best epoch's, which keeps the student alone)."""

    net: Net
    classes: tuple[str, ...]
    epoch: int
    methods: Mapping[str, State]


def standing(net: Net, classes: Sequence[str]) -> dict[str, Any]:
    """What a checkpoint says of its student beside the weights, so that another run can build it."""
    return {"identity": net.identity(), "classes": list(classes)}


def left(folder: Path, which: str) -> Left:
    """What the checkpoint `which` (last or best) of a run holds. Raises BranchError, CheckpointError, NetError."""
    tree = checkpoint.read(folder / lineage.FILES[which])
    if "student" not in tree:
        raise BranchError(
            f"{which} checkpoint of {folder.name} was written before checkpoints said what their student is; go on with that "
            "run, which writes it anew, or start from its finished student"
        )
    state = {"student": tree["net"], "methods": {}} if which == "best" else _distilled(tree)
    if state is None:
        raise BranchError(
            f"{folder.name} had not begun to distil when its last checkpoint was written; its student is a fresh one"
        )
    net = nets.build(**tree["student"]["identity"])
    net.load_state_dict(state["student"])
    epoch = int(tree["epoch"] if which == "best" else tree["where"]["epoch"])
    return Left(net.eval(), tuple(tree["student"]["classes"]), epoch, state["methods"])


def learned(experiment: Experiment, methods: Mapping[str, Method], home: Path, note: Callable[[str], None]) -> dict[str, State]:
    """What the methods of an experiment take over from the checkpoint that it branches from: of those that are set as there,
    on the same data and with the same teacher, all but the weights of their terms. `note` is told of each that does, or why
    it begins anew. Raises as `left`."""
    student = experiment.student
    if student.source != "run" or student.checkpoint != "last":
        return {}
    folder = lineage.folder_of(student.run, home)
    held = left(folder, student.checkpoint).methods
    found: dict[str, State] = {}
    for key, each in methods.items():
        if key not in held or not each.state_dict():
            continue
        why = _differs(key, each, experiment, folder) or _misfits(each.state_dict(), held[key])
        if why:
            note(f"{each.title} begins anew: {why} in {folder.name}.")
        else:
            found[key] = held[key]
            note(f"{each.title} goes on with what it had learned in {folder.name}; what it would prepare is there.")
    return found


def _distilled(tree: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The state of the distilling, under way or over; None before it began."""
    hand = tree["hand"]
    under_way = hand["carried"].get(DISTILLING)
    state = under_way["state"] if under_way else hand["finished"].get(DISTILLING)
    return state or None


def _differs(key: str, each: Method, experiment: Experiment, folder: Path) -> str:
    """What of the settings that a method's state depends on is another than in the run it branches from."""
    try:
        parent = RunFolder.open(folder).experiment().experiment
    except PresetError:
        return "its settings cannot be read"
    free = {name for term in each.terms for name in (term.weight, term.warmup) if isinstance(name, str)} | {"ce_weight"}
    then = type(each).Params(**{n: v for n, v in parent.methods[key].items() if n != "ce_weight"})
    changed = sorted(n for n, value in dict(each.params).items() if n not in free and dict(then).get(n) != value)
    if changed:
        return f"{', '.join(changed)} of it {'was' if len(changed) == 1 else 'were'} set otherwise"
    if experiment.dataset != parent.dataset:
        return "the data were set otherwise"
    if experiment.teacher != parent.teacher:
        return "the teacher was another one"
    return ""


def _misfits(own: State, held: State) -> str:
    """Where a state is of other shapes than a method's own; empty buffers are filled later and fit anything."""
    if own.keys() != held.keys():
        return "it has other modules than"
    wrong = next((n for n, t in own.items() if t.numel() and t.shape != held[n].shape), "")
    return f"{wrong} was of another shape" if wrong else ""
