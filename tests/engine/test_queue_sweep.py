"""Fields swept into experiments, and how long they are thought to take."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_catalogue import CATALOGUE
from small_runs import ended, make, started

from engine import presets
from engine.presets import PresetError, Resolved
from engine.queue import AWAITED, estimate
from engine.queue.sweep import swept


def resolved(**tree: object) -> Resolved:
    return presets.from_tree({"title": "Mine", **tree}, "a test", catalogue=CATALOGUE)


def test_every_value_of_a_list_is_an_experiment_on_the_same_seeds() -> None:
    found = swept(resolved(run={"seed": 7}), [{"training.learning_rate": [0.1, 0.01]}], 3, catalogue=CATALOGUE)
    assert [r.experiment.training.learning_rate for r in found] == [0.1, 0.01]
    assert {(r.experiment.run.seed, r.experiment.run.repeats) for r in found} == {(7, 3)}
    assert [r.experiment.title for r in found] == ["learning rate 0.1 · Mine", "learning rate 0.01 · Mine"]
    assert found[0].origins["training.learning_rate"] == "the sweep"


def test_a_log_range_has_equal_factors() -> None:
    axis = {"training.learning_rate": {"from": 0.001, "to": 1.0, "count": 4, "scale": "log"}}
    found = swept(resolved(), [axis], 1, catalogue=CATALOGUE)
    assert [r.experiment.training.learning_rate for r in found] == [0.001, 0.01, 0.1, 1.0]


def test_several_settings_give_every_combination() -> None:
    axes = [{"methods.kd.temperature": [1.0, 4.0]}, {"training.epochs": [3, 5]}]
    found = swept(resolved(methods={"kd": {}}, teacher={"net": "resnet20"}), axes, 1, catalogue=CATALOGUE)
    assert [(r.experiment.methods["kd"].get("temperature", 4.0), r.experiment.training.epochs) for r in found] == [
        (1.0, 3), (1.0, 5), (4.0, 3), (4.0, 5)
    ]  # fmt: skip


def test_a_value_out_of_bounds_is_refused_with_the_bounds() -> None:
    with pytest.raises(PresetError, match=r"0\.9"):
        swept(resolved(), [{"training.label_smoothing": [0.1, 2.0]}], 1, catalogue=CATALOGUE)


def test_an_experiment_that_breaks_a_rule_is_named() -> None:
    with pytest.raises(PresetError, match="lenet5"):
        swept(resolved(dataset={"size": 16}), [{"student.net": ["resnet8", "lenet5"]}], 1, catalogue=CATALOGUE)


def test_a_sweep_over_what_waits_for_a_teacher_is_no_problem() -> None:
    tree = {"methods": {"kd": {}}, "teacher": {"net": "resnet20", "source": "run", "run": f"{AWAITED}abc"}}
    found = swept(resolved(**tree), [{"methods.kd.temperature": [1.0, 2.0]}], 1, catalogue=CATALOGUE)
    assert len(found) == 2


def finished(home: Path, name: str, epochs: int, seconds: float, **tree: object) -> None:
    run = make(home, name, {"training": {"epochs": epochs}, **tree})
    run.append(started(run=name))
    run.append(ended(seconds=seconds + 2.0, seconds_teacher=0.0, seconds_distilling=seconds, epochs=epochs))


def test_time_is_told_from_the_runs_most_like_it(tmp_path: Path) -> None:
    finished(tmp_path, "labels", 10, 20.0)
    finished(tmp_path, "kd", 10, 60.0, methods={"kd": {}}, teacher={"net": "resnet20"})
    known = estimate.paces(tmp_path)
    assert estimate.seconds(resolved(training={"epochs": 5}).experiment, known) == pytest.approx(12.0)
    taught = resolved(training={"epochs": 5}, methods={"kd": {}}, teacher={"net": "resnet20"})
    assert estimate.seconds(taught.experiment, known) == pytest.approx(32.0)
    half = resolved(training={"epochs": 5}, dataset={"subset": 0.5})
    assert estimate.seconds(half.experiment, known) == pytest.approx(7.0)


def test_nothing_is_told_from_runs_that_are_unlike_it(tmp_path: Path) -> None:
    finished(tmp_path, "labels", 10, 20.0)
    other = resolved(student={"net": "resnet56"})
    assert estimate.seconds(other.experiment, estimate.paces(tmp_path)) is None
    assert estimate.seconds(other.experiment, ()) is None
