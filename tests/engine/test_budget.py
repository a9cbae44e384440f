"""Budgets of time and of energy: when one is spent, and that the run then ends properly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import budget, ledger, presets, session
from engine.control import Control
from engine.events import Evaluated, Event, Note
from engine.experiment import RunSettings

CHANGES = {
    "dataset.subset": 0.2, "training.epochs": 30, "training.batch_size": 64, "run.threads": 1, "run.precision": "float32",
    "run.probe_images": 32, "run.evaluate_every": 10,
}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "seconds", "joules", "words"),
    [
        ({}, 1e9, 1e9, ""),
        ({"time_budget": 10.0}, 599.0, None, ""),
        ({"time_budget": 10.0}, 600.0, None, "10 minutes"),
        ({"energy_budget": 2.0}, 1e9, 7199.0, ""),
        ({"energy_budget": 2.0}, 1.0, 7200.0, "2 Wh"),
        ({"energy_budget": 2.0}, 1.0, None, ""),
    ],
)
def test_a_budget_is_spent_when_it_is(settings: dict[str, Any], seconds: float, joules: float | None, words: str) -> None:
    said = budget.spent(RunSettings(**settings), seconds, joules)
    assert bool(said) == bool(words)
    assert words in said


def run(home: Path, **changes: float) -> tuple[session.Outcome, list[Event]]:
    said = list[Event]()
    form = CHANGES | {name.replace("__", "."): value for name, value in changes.items()}
    return session.run(presets.resolve("experiments/digits-labels", form=form), said.append, Control(), home=home), said


def test_a_run_is_expected_to_last_no_longer_than_its_budget_of_time() -> None:
    assert budget.within(RunSettings(time_budget=2), 100.0) == 100.0
    assert budget.within(RunSettings(time_budget=2), 500.0) == 120.0
    assert budget.within(RunSettings(), 500.0) == 500.0


def test_a_run_whose_time_is_spent_ends_with_its_epoch_evaluated_and_exported(tmp_path: Path) -> None:
    outcome, said = run(tmp_path, run__time_budget=1e-6)
    assert (outcome.outcome, outcome.results[0]["epochs"]) == ("done", 1)
    note = next(e.text for e in said if isinstance(e, Note) and "budget" in e.text)
    assert note == "The budget of 1e-06 minutes is spent. Distilling ends after epoch 1 of 30."
    assert {e.split for e in said if isinstance(e, Evaluated)} == {"test", "held-out"}
    assert (outcome.folders[0] / "student.safetensors").is_file()


def test_a_run_whose_energy_is_spent_ends_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = iter(range(0, 10**9, 2000))
    monkeypatch.setattr(ledger, "energy_counter", lambda device: lambda: float(next(counted)))
    monkeypatch.setattr(session, "energy_counter", ledger.energy_counter)
    outcome, said = run(tmp_path, run__energy_budget=1.0)
    assert outcome.results[0]["epochs"] < 30
    assert any(isinstance(e, Note) and "1 Wh is spent" in e.text for e in said)


def test_a_budget_of_energy_is_refused_where_nothing_counts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "energy_counter", lambda device: None)
    with pytest.raises(session.RefusedError, match="nothing counts the energy of cpu") as refused:
        run(tmp_path, run__energy_budget=1.0)
    assert [p.path for p in refused.value.problems] == ["run.energy_budget"]
