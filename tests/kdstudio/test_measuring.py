"""The Plan says what an experiment will take once it was measured, by a real child process, and never of older settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from engine.extras import catalogue
from kdstudio.background.measuring import BEGINS
from kdstudio.quantities import lasting
from kdstudio.screens.setup.estimate import ASK, STALE, Estimate
from kdstudio.store import Store

LONG = 120_000
"""Milliseconds in which a child may load torch on a busy machine."""
COST = {
    "stages": [
        {"name": "data", "title": "data", "seconds": 0.5, "steps": 0, "seconds_a_step": 0.0, "seconds_a_look": 0.0,
         "words": "as it was"},
        {"name": "distilling", "title": "distilling", "seconds": 1440.0, "steps": 7200, "seconds_a_step": 0.2,
         "seconds_a_look": 0.0, "words": "10 of 7,200 steps"},
    ],
    "seconds": 1440.5, "peak_memory": 3_100_000_000, "memory": 139_000_000_000, "repeats": 1,
    "resources": {"device": "cuda:0", "precision": "bfloat16", "compile": True, "threads": 4, "name": "NVIDIA H200"},
}  # fmt: skip


@pytest.fixture
def estimate(tmp_path: Path, qtbot: QtBot) -> Iterator[Estimate]:
    store = Store(catalogue(), tmp_path / "runs")
    store.open_preset("experiments/digits-labels")
    made = Estimate(store)
    qtbot.addWidget(made)
    made.refresh()
    made.show()
    yield made
    made.measuring.cancel()


def words(estimate: Estimate) -> list[str]:
    return [each.text() for each in estimate.findChildren(QLabel) if each.text()]


def measured(estimate: Estimate, **other: Any) -> None:
    """What a child would say of the experiment as it is."""
    estimate.measuring._asked = _bare(estimate)
    estimate.measuring._hear({"cost": COST | other})


def _bare(estimate: Estimate) -> Any:
    from kdstudio.background import measuring

    return measuring._bare(estimate._store.resolved().experiment)


def test_nothing_is_said_until_it_is_measured(estimate: Estimate) -> None:
    assert (estimate.said.text(), estimate.button.text()) == (ASK, "Measure")


def test_a_measure_is_a_table_of_stages_and_whether_it_fits(estimate: Estimate) -> None:
    measured(estimate)
    said = words(estimate)
    for each in ("distilling", "200 ms", "24 min", "Fits: 3.1 GB of 139.0 GB", "on NVIDIA H200, bfloat16, compiled"):
        assert each in said
    assert not estimate.said.isVisible()


def test_what_does_not_fit_is_said(estimate: Estimate) -> None:
    measured(estimate, peak_memory=150_000_000_000)
    assert "Hardly fits: 150.0 GB of 139.0 GB" in words(estimate)


def test_repeats_are_reckoned_with_without_measuring_anew(estimate: Estimate) -> None:
    measured(estimate)
    estimate._store.set_value("run.repeats", 3)
    estimate.refresh()
    assert "3 runs" in words(estimate) and "72 min" in words(estimate)


def test_a_measure_of_other_settings_is_said_to_be_one(estimate: Estimate, qapp: QApplication) -> None:
    measured(estimate)
    estimate._store.set_value("training.batch_size", 8)
    estimate.refresh()
    assert estimate.said.text() == STALE and estimate.button.text() == "Measure again"
    estimate._store.undo()
    estimate.refresh()
    assert not estimate.said.isVisible()


def test_a_child_measures_the_experiment_as_it_is_and_leaves_nothing(estimate: Estimate, qtbot: QtBot, tmp_path: Path) -> None:
    estimate._store.set_values({"training.epochs": 50, "run.threads": 1, "run.device": "cpu"})
    estimate.refresh()
    estimate.button.click()
    assert (estimate.said.text(), estimate.button.text()) == (BEGINS, "Cancel")
    qtbot.waitUntil(lambda: estimate.measuring.found() is not None or bool(estimate.measuring.problem), timeout=LONG)
    assert estimate.measuring.problem == ""
    found = estimate.measuring.found()
    assert found is not None and [s.title for s in found.stages] == ["data", "distilling"]
    assert found.stages[1].step > 0 and found.seconds > found.stages[1].step * 50
    qtbot.waitUntil(lambda: not estimate.measuring.busy, timeout=LONG)
    assert list((tmp_path / "runs").iterdir()) == []


def test_what_cannot_be_measured_says_why(estimate: Estimate) -> None:
    estimate.measuring._end(2, "some warning\nrun.device: 'cuda:7' is not here; this machine has 0 CUDA devices\n")
    assert estimate.said.text() == "run.device: 'cuda:7' is not here; this machine has 0 CUDA devices"
    assert estimate.button.text() == "Measure"


def test_a_measurement_can_be_given_up(estimate: Estimate) -> None:
    estimate.button.click()
    estimate.button.click()
    assert not estimate.measuring.busy and estimate.button.text() == "Measure"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.42, "0.4 s"), (40, "40 s"), (720, "12 min"), (12_000, "3 h 20 min"), (187_200, "2 d 4 h")]
)
def test_a_duration_is_told_as_one_reckons_with_it(seconds: float, said: str) -> None:
    assert lasting(seconds) == said
