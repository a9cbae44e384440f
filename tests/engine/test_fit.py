"""Evidence of how well a student fits: training accuracy of an epoch, and that of a run on labels alone beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_catalogue import CATALOGUE
from small_runs import ended, make, started

from engine import presets
from engine.events import StageStarted, Step
from engine.fit import ALONE, JUDGED, TRAINED, Fit, labels_alone

ALIKE: dict[str, Any] = {"teacher": {"net": "none"}, "methods": {}}
TAUGHT: dict[str, Any] = {"teacher": {"net": "resnet20"}, "methods": {"kd": {}}}


def finished(home: Path, name: str, accuracies: list[float], tree: dict[str, Any] = ALIKE, seed: int = 0) -> None:
    """A run of two reports an epoch, ten steps each."""
    folder = make(home, name, tree)
    folder.append(started(seed=seed))
    steps = 10 * len(accuracies)
    folder.append(StageStarted(stage="distilling", title="Distilling", steps=steps, epochs=len(accuracies) // 2))
    for number, accuracy in enumerate(accuracies, 1):
        values = {"train_top1": accuracy}
        folder.append(Step(stage="distilling", step=10 * number, steps=steps, epoch=(number + 1) // 2, values=values))
    folder.append(ended())


def beside(home: Path, **more: Any) -> dict[int, float]:
    experiment = presets.from_tree(TAUGHT | more, "a test", catalogue=CATALOGUE).experiment
    return labels_alone(home / "mine", experiment)


def test_a_run_on_labels_alone_gives_the_mean_of_each_epoch(tmp_path: Path) -> None:
    finished(tmp_path, "alone", [10.0, 20.0, 30.0, 50.0])
    assert beside(tmp_path) == {1: 15.0, 2: 40.0}


def test_the_run_on_the_same_seed_comes_first(tmp_path: Path) -> None:
    finished(tmp_path, "first", [10.0, 20.0], seed=0)
    finished(tmp_path, "second", [50.0, 60.0], seed=7)
    assert beside(tmp_path, run={"seed": 7}) == {1: 55.0}
    assert beside(tmp_path, run={"seed": 0}) == {1: 15.0}


@pytest.mark.parametrize("other", [
    {"methods": {"kd": {}}, "teacher": {"net": "resnet20"}}, ALIKE | {"training": {"epochs": 3}},
    ALIKE | {"dataset": {"name": "digits", "flip": True}},
])  # fmt: skip
def test_a_run_that_learns_otherwise_is_none(other: dict[str, Any], tmp_path: Path) -> None:
    finished(tmp_path, "other", [10.0, 20.0], other)
    assert beside(tmp_path) == {}


class Heard:
    """A reporter that remembers what it was given."""

    def __init__(self, share: float, folder: Path) -> None:
        self.share, self.folder, self.seen = share, self, list[dict[str, float]]()
        self.path = folder

    def latest(self, name: str) -> float:
        return self.share

    def observe(self, values: dict[str, float]) -> None:
        self.seen.append(values)


def test_labels_that_are_heard_are_not_compared_with_labels_alone(tmp_path: Path) -> None:
    finished(tmp_path, "alone", [10.0, 20.0])
    experiment = presets.from_tree(TAUGHT, "a test", catalogue=CATALOGUE).experiment
    for share, said in ((0.5, {TRAINED: 30.0, JUDGED: 25.0}), (0.05, {TRAINED: 30.0, JUDGED: 25.0, ALONE: 15.0})):
        report = Heard(share, tmp_path / "mine")
        fit = Fit(report, experiment)  # type: ignore[arg-type]
        fit.hear({"train_top1": 20.0})
        fit.hear({"train_top1": 40.0, "loss": 1.0})
        resumed = Fit(report, experiment)  # type: ignore[arg-type]
        resumed.load(fit.state())
        resumed.judge(1, 25.0)
        assert report.seen == [said]


def test_without_a_report_in_the_epoch_nothing_is_said(tmp_path: Path) -> None:
    report = Heard(0.5, tmp_path)
    Fit(report, presets.from_tree(TAUGHT, "a test", catalogue=CATALOGUE).experiment).judge(1, 25.0)  # type: ignore[arg-type]
    assert report.seen == []
