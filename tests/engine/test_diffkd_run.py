"""DiffKD in a whole, tiny run: what it measures beside the nets, and that looking changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import presets, session
from engine.control import Control
from engine.events import Event, Measured, Step, Watched

QUICK: dict[str, Any] = {
    "dataset.subset": 0.1, "teacher.source": "scratch", "teacher.net": "resnet8", "training.epochs": 2,
    "training.batch_size": 32, "run.threads": 1, "run.precision": "float32", "run.probe_images": 32, "run.share_every": 2,
    "run.report_every": 1,
}  # fmt: skip


def run(home: Path, preset: str = "experiments/digits-diffkd", **changes: Any) -> list[Event]:
    said: list[Event] = []
    form = QUICK | {k.replace("__", "."): v for k, v in changes.items()}
    outcome = session.run(presets.resolve(preset, form=form), said.append, Control(), home=home)
    assert outcome.outcome == "done"
    return said


def measured(said: list[Event]) -> dict[str, float]:
    return {name: value for e in said if isinstance(e, Measured) for name, value in e.values.items()}


def losses(said: list[Event]) -> list[tuple[float, ...]]:
    every = [e.values for e in said if isinstance(e, Step) and e.stage == "distilling"]
    return [tuple(v for name, v in each.items() if name.startswith(("loss", "diffkd."))) for each in every]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    return run(tmp_path_factory.mktemp("runs"))


def test_signal_to_noise_is_measured_of_all_three_latents(said: list[Event]) -> None:
    found = measured(said)
    assert {"snr/diffkd.student projected", "snr/diffkd.student denoised", "snr/diffkd.teacher projected"} <= set(found)
    assert {"snr_student", "snr_teacher", "diffkd.noise_gap", "diffkd.explained", "diffkd.gamma_mean"} <= set(found)


def test_a_term_that_never_reaches_the_student_has_no_share_of_its_gradient(said: list[Event]) -> None:
    shares = {name for name in measured(said) if name.startswith("share/")}
    assert shares == {"share/labels", "share/diffkd.feature", "share/diffkd.logit"}


def test_the_distribution_of_gamma_lies_between_numbers_with_a_line_to_compare(said: list[Event]) -> None:
    record = next(e for e in said if isinstance(e, Watched) and e.watch == "diffkd.gamma")
    assert len(record.labels["edges"]) == record.shape[0] + 1
    [(name, value)] = record.labels["levels"]
    assert name == "as noisy as time 400" and value == pytest.approx(0.329, abs=1e-3)


def test_looking_more_often_changes_nothing_of_the_training(said: list[Event], tmp_path: Path) -> None:
    assert losses(run(tmp_path, run__evaluate_every=2)) == losses(said)


@pytest.mark.parametrize("preset", ["digits-diffkd-at", "digits-kd-standardized"])
def test_it_and_its_neighbours_run_in_their_stacks(preset: str, tmp_path: Path) -> None:
    every = losses(run(tmp_path, f"experiments/{preset}", training__epochs=1, run__share_every=0, run__precision="bfloat16"))
    assert every and all(abs(v) < float("inf") for each in every for v in each)
