"""A term's weight moved while the run goes on: obeyed between two steps, said, kept over a resume, left out of pairing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from engine import presets, session
from engine.control import Control
from engine.events import Event, Note, Step, WeightMoved
from engine.paired import Difference
from engine.runs import RunFolder, listing
from engine.sweeps.table import Row, Run
from engine.weights import Weights

CHANGES = {
    "dataset.subset": 0.2, "training.epochs": 2, "training.batch_size": 32, "run.threads": 1, "run.precision": "float32",
    "run.report_every": 2, "run.probe_images": 32, "teacher.source": "scratch", "run.share_every": 0,
}  # fmt: skip
TERM = "kd.kl"


def run(home: Path, lever: Callable[[Event, Control], None], resume: Path | None = None) -> tuple[session.Outcome, list[Event]]:
    said, control = list[Event](), Control()

    def sink(event: Event) -> None:
        said.append(event)
        lever(event, control)

    resolved = presets.resolve("experiments/digits-kd", form=CHANGES) if resume is None else session.resumable(resume)
    return session.run(resolved, sink, control, home=home, resume=resume), said


def at(event: Event, step: int) -> bool:
    return isinstance(event, Step) and event.stage == "distilling" and event.step == step


def moving(event: Event, control: Control) -> None:
    if at(event, 4):
        control.move(TERM, 3.5)


def moving_and_stopping(event: Event, control: Control) -> None:
    moving(event, control)
    if at(event, 8):
        control.stop()


def student(outcome: session.Outcome) -> dict[str, torch.Tensor]:
    return load_file(outcome.folders[-1] / "student.safetensors")


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> tuple[session.Outcome, list[Event]]:
    return run(tmp_path_factory.mktemp("moved"), moving)


def test_a_move_is_obeyed_from_the_next_step_on_and_said(moved: tuple[session.Outcome, list[Event]]) -> None:
    _, said = moved
    event = next(e for e in said if isinstance(e, WeightMoved))
    assert (event.term, event.after, event.stage, event.step) == (TERM, 3.5, "distilling", 4)
    steps = [e for e in said if isinstance(e, Step) and e.stage == "distilling"]
    ratios = {e.step: e.values[f"weighted/{TERM}"] / e.values[TERM] for e in steps}
    assert ratios[4] == pytest.approx(event.before)
    assert all(ratio == pytest.approx(3.5) for step, ratio in ratios.items() if step > 4)


def test_a_run_whose_weight_was_moved_says_so_in_its_results_and_in_the_table(
    moved: tuple[session.Outcome, list[Event]],
) -> None:
    outcome, _ = moved
    assert outcome.results[0]["weights_moved"] == [TERM]
    assert [row.moved for row in listing(outcome.folders[0].parent)] == [(TERM,)]


def test_a_run_stopped_after_a_move_goes_on_exactly(moved: tuple[session.Outcome, list[Event]], tmp_path: Path) -> None:
    stopped, _ = run(tmp_path, moving_and_stopping)
    assert stopped.outcome == "stopped"
    resumed, said = run(tmp_path, lambda event, control: None, stopped.folders[0])
    first, second = student(moved[0]), student(resumed)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any(isinstance(e, WeightMoved) for e in said)
    assert resumed.results[0]["weights_moved"] == [TERM]
    assert sum(isinstance(e, WeightMoved) for e in RunFolder.open(resumed.folders[0]).events()) == 1


def test_a_term_that_the_run_lacks_is_named_and_nothing_else_happens(tmp_path: Path) -> None:
    def wrong(event: Event, control: Control) -> None:
        if at(event, 2):
            control.move("kd.nothing", 1.0)

    outcome, said = run(tmp_path, wrong)
    assert any(isinstance(e, Note) and "kd.nothing" in e.text for e in said)
    assert not any(isinstance(e, WeightMoved) for e in said)
    assert "weights_moved" not in outcome.results[0]


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_that_none_can_be_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="cannot be the weight"):
        Control().move(TERM, weight)


def test_of_several_moves_between_two_steps_the_last_counts() -> None:
    control = Control()
    control.move(TERM, 1.0)
    control.move(TERM, 2.0)
    assert control.moving
    assert control.moves() == {TERM: 2.0}
    assert not control.moving
    assert control.moves() == {}


def test_warm_up_still_counts_for_a_weight_that_was_moved() -> None:
    method = SimpleNamespace(full_weight=lambda term: 8.0)
    stack = SimpleNamespace(
        cast=SimpleNamespace(methods={"dkd": method}, ce_weight=1.0), terms=[("dkd.nckd", "dkd", None)],
        grown=lambda epoch: {"dkd.nckd": min(epoch / 4, 1.0)},
    )  # fmt: skip
    weights = Weights(stack)  # type: ignore[arg-type]
    assert weights.at(2) == {"dkd.nckd": 4.0, "labels": 1.0}
    assert weights.move("dkd.nckd", 2.0) == 8.0
    assert weights.at(2) == {"dkd.nckd": 1.0, "labels": 1.0}
    other = Weights(stack)  # type: ignore[arg-type]
    other.load(weights.state())
    assert other.at(4) == weights.at(4) == {"dkd.nckd": 2.0, "labels": 1.0}


def test_such_runs_are_left_out_of_paired_differences() -> None:
    def of(seed: int, top1: float, **more: object) -> Run:
        return Run(seed=seed, path=Path(), results={"top1": top1, **more}, measured={}, time=None, memory=None)

    baseline = tuple(of(seed, 90.0 + seed) for seed in range(3))
    ours = (of(0, 91.0), of(1, 92.5), of(2, 10.0, weights_moved=[TERM]))
    found = Row(SimpleNamespace(), ours, baseline, is_baseline=False).gain("top1")  # type: ignore[arg-type]
    assert isinstance(found, Difference)
    assert found.mean == pytest.approx(1.25)
