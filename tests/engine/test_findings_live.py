"""Findings of real, tiny runs: what went wrong is found, with its evidence and a fix that the experiment takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import presets, session
from engine.control import Control
from engine.events import Event, Finding

QUICK: dict[str, Any] = {
    "dataset.subset": 0.2,
    "training.epochs": 1,
    "training.batch_size": 32,
    "run.threads": 1,
    "run.precision": "float32",
    "run.probe_images": 32,
    "methods.reffakd.epochs": 3,
}


def broken(preset: str, **changes: Any) -> dict[str, Any]:
    """The settings of a small experiment with something wrong; keywords use `__` for dots."""
    kept = {path: value for path, value in QUICK.items() if not path.startswith("methods.") or "reffakd" in preset}
    return {"preset": preset, "form": kept | {k.replace("__", "."): v for k, v in changes.items()}}


def found(experiment: dict[str, Any], check: str, home: Path) -> Finding:
    """The one finding of this check in a run of the experiment."""
    said: list[Event] = []
    outcome = session.run(presets.resolve(**experiment), said.append, Control(), home=home)
    assert outcome.outcome == "done"
    [finding] = [e for e in said if isinstance(e, Finding) and e.check == check]
    return finding


def mended(experiment: dict[str, Any], finding: Finding, method: str) -> dict[str, Any]:
    """Every setting of a method once the fix is laid over the experiment; it changes something."""
    wrong = presets.resolve(**experiment).experiment
    right = presets.resolve(experiment["preset"], form=experiment["form"] | dict(finding.fix)).experiment
    before, after = presets.method_settings(wrong, method), presets.method_settings(right, method)
    assert finding.fix and before != after
    assert all(after[path.rpartition(".")[2]] == value for path, value in finding.fix.items())
    return dict(after)


def test_a_boost_of_nothing_is_found_too_small(tmp_path: Path) -> None:
    experiment = broken("experiments/digits-reffakd", methods__reffakd__gamma=0.0)
    finding = found(experiment, "reffakd.gamma-too-small", tmp_path)
    assert finding.evidence["gamma"] == 0.0 < finding.evidence["gamma_min"]
    assert 1 <= finding.evidence["rows_wrong"] <= 10
    assert mended(experiment, finding, "reffakd")["gamma"] == "auto"


def test_an_autoencoder_that_barely_moves_is_found_at_its_end(tmp_path: Path) -> None:
    experiment = broken(
        "experiments/digits-reffakd", methods__reffakd__optimizer="sgd", methods__reffakd__learning_rate=1e-7
    )  # fmt: skip
    finding = found(experiment, "reffakd.learned-nothing", tmp_path)
    assert finding.evidence["explained"] < 0.2 and finding.evidence["updates"] > 0
    settings = mended(experiment, finding, "reffakd")
    assert (settings["optimizer"], settings["learning_rate"]) == ("adam", "auto")


def test_a_teacher_softened_beyond_use_is_found_nearly_uniform(tmp_path: Path) -> None:
    experiment = broken("experiments/digits-kd", teacher__source="scratch", methods__kd__temperature=1000.0)
    finding = found(experiment, "nearly-uniform", tmp_path)
    assert finding.evidence["entropy_teacher"] == pytest.approx(1.0, abs=0.01)
    assert finding.evidence["entropy_teacher"] > 0.99
    assert mended(experiment, finding, "kd")["temperature"] == 4.0


def test_a_student_that_learns_worse_than_from_labels_alone_is_found_beside_such_a_run(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"training__epochs": 4, "run__share_every": 1}
    alone = broken("experiments/digits-labels", **changes)
    assert session.run(presets.resolve(**alone), lambda _: None, Control(), home=tmp_path).outcome == "done"
    drowned = broken("experiments/digits-kd", teacher__source="scratch", methods__kd__weight=20.0, **changes)
    finding = found(drowned, "underfits", tmp_path)
    assert finding.evidence["share/labels"] < 0.1
    assert finding.evidence["fit/train"] <= finding.evidence["fit/labels alone"] - 5
    assert mended(drowned, finding, "kd")["ce_weight"] > 0.1
