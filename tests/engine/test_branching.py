"""A run that branches from a checkpoint of another: what it starts with, and what its methods take over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from engine import branching, checkpoint, lineage, presets, session
from engine.branching import BranchError
from engine.control import Control
from engine.events import Event, Note, RunStarted, StageStarted
from engine.runs import RunFolder, listing
from engine.runs.points import points

QUICK: dict[str, Any] = {
    "dataset.subset": 0.2, "training.epochs": 2, "training.batch_size": 32, "run.threads": 1, "run.precision": "float32",
    "run.report_every": 2, "run.probe_images": 32, "run.share_every": 5, "methods.reffakd.epochs": 2,
}  # fmt: skip


def ran(
    home: Path, control: Control | None = None, until: type[Event] | None = None, **changes: Any
) -> tuple[Path, list[Event]]:
    """ReffAKD on a fifth of the digits; stopped at the first event of a kind where one is named."""
    said: list[Event] = []
    lever = control or Control()

    def sink(event: Event) -> None:
        said.append(event)
        if until is not None and isinstance(event, until):
            lever.stop()

    form = QUICK | {name.replace("__", "."): value for name, value in changes.items()}
    outcome = session.run(presets.resolve("experiments/digits-reffakd", form=form), sink, lever, home=home)
    return outcome.folders[-1], said


def notes(said: list[Event]) -> str:
    return "\n".join(event.text for event in said if isinstance(event, Note))


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ran(tmp_path_factory.mktemp("runs"))[0]


def branched(parent: Path, which: str, **changes: Any) -> tuple[Path, list[Event]]:
    start = {"student__source": "run", "student__run": parent.name, "student__checkpoint": which}
    return ran(parent.parent, **start, **changes)


def test_a_run_has_the_points_from_which_others_can_start(parent: Path) -> None:
    assert [(p.which, p.epoch, p.size > 0) for p in points(parent)] == [
        ("student", points(parent)[0].epoch, True), ("best", 0, True), ("last", 2, True),
    ]  # fmt: skip


def test_a_branch_starts_from_the_student_of_the_last_checkpoint_and_its_method_goes_on(parent: Path) -> None:
    path, said = branched(parent, "last", training__epochs=1, training__learning_rate=1e-9)
    before = branching.left(parent, "last").net.state_dict()
    after = branching.left(path, "last").net.state_dict()
    weights = [name for name in before if name.endswith("weight") and before[name].ndim == 4]
    assert weights and all(torch.allclose(before[name], after[name], atol=1e-6) for name in weights)
    assert f"It branches from {parent.name} after epoch 2 (last checkpoint)." in notes(said)
    assert f"goes on with what it had learned in {parent.name}" in notes(said)
    assert "reffakd.autoencoder" not in {e.stage for e in said if isinstance(e, StageStarted)}
    [started] = [e for e in said if isinstance(e, RunStarted)]
    assert started.plan["parent"] == {"run": parent.name, "checkpoint": "last"}
    row = next(r for r in listing(parent.parent) if r.path == path)
    assert (row.parent, row.origin) == (parent.name, "last")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"methods__reffakd__epochs": 1}, "begins anew: epochs of it was set otherwise"),
        ({"dataset__subset": 0.3}, "begins anew: the data were set otherwise"),
    ],
)
def test_a_method_that_is_set_otherwise_begins_anew_and_says_why(parent: Path, changes: dict[str, Any], why: str) -> None:
    _, said = branched(parent, "last", training__epochs=1, **changes)
    assert why in notes(said)
    assert "reffakd.autoencoder" in {e.stage for e in said if isinstance(e, StageStarted)}


def test_another_weight_of_its_term_is_no_reason_to_begin_anew(parent: Path) -> None:
    _, said = branched(parent, "last", training__epochs=1, methods__reffakd__soft_weight=0.3)
    assert "goes on with what it had learned" in notes(said)


def test_the_best_epoch_brings_the_student_alone(parent: Path) -> None:
    _, said = branched(parent, "best", training__epochs=1)
    assert "(best checkpoint)" in notes(said)
    assert "goes on with what" not in notes(said)


def test_a_branch_from_before_the_distilling_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path, _ = ran(tmp_path, until=StageStarted)
    if not (path / lineage.FILES["last"]).is_file():  # stopped before there was anything to save
        with pytest.raises(session.RefusedError, match=r"has no last\.safetensors; choose another of its checkpoints"):
            branched(path, "last")
        return
    with pytest.raises(BranchError, match="had not begun to distil"):
        branching.left(path, "last")


def test_a_checkpoint_that_does_not_know_its_student_is_refused_with_a_sentence(parent: Path, tmp_path: Path) -> None:
    tree = checkpoint.read(parent / lineage.FILES["best"])
    del tree["student"]
    checkpoint.write(tmp_path / lineage.FILES["best"], tree)
    with pytest.raises(BranchError, match="written before checkpoints said what their student is"):
        branching.left(tmp_path, "best")


def test_a_run_that_goes_on_starts_from_its_own_checkpoint_and_no_longer_from_its_parents(parent: Path) -> None:
    control = Control()
    said: list[Event] = []

    def sink(event: Event) -> None:
        said.append(event)
        if isinstance(event, StageStarted) and event.stage == "distilling":
            control.stop()

    form = QUICK | {"student.source": "run", "student.run": parent.name, "student.checkpoint": "last"}
    resolved = presets.resolve("experiments/digits-reffakd", form=form)
    stopped = session.run(resolved, sink, control, home=parent.parent)
    assert stopped.outcome == "stopped"
    again: list[Event] = []
    done = session.run(resolved, again.append, Control(), home=parent.parent, resume=stopped.folders[0])
    assert done.outcome == "done"
    assert "goes on with what it had learned in" not in notes(again)
    assert RunFolder.open(done.folders[0]).state() == "done"
