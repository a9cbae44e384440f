"""A run between nets of other families: what it announces, notes and measures, and that its students learn and resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import presets, session
from engine.control import Control
from engine.events import Event, Measured, Note, Refused, RunEnded, RunStarted, StageEnded, Watched

QUICK: dict[str, Any] = {
    "dataset.subset": 0.1, "training.epochs": 1, "training.batch_size": 32, "run.threads": 1,
    "run.precision": "float32", "run.probe_images": 16,
    "student.net": "vgg8", "teacher.net": "resnet8", "teacher.source": "train", "teacher.epochs": 1,
}  # fmt: skip


def ran(home: Path, *methods: str, **settings: Any) -> list[Event]:
    said: list[Event] = []
    made = {k.replace("__", "."): v for k, v in settings.items()}
    preset = f"experiments/digits-{methods[0]}"
    stack = {"methods": {m: {} for m in methods}}
    resolved = presets.resolve(preset, form=QUICK | stack | made)
    session.run(resolved, said.append, Control(), home=home)
    return said


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """One run of three methods that look at features."""
    return ran(tmp_path_factory.mktemp("runs"), "fitnet", "at", "rkd")


def test_the_run_is_done(told: list[Event]) -> None:
    assert isinstance(told[-1], RunEnded)
    assert told[-1].outcome == "done", told[-1].sentence


def test_what_each_method_compares_is_announced_and_noted_as_it_then_is(told: list[Event]) -> None:
    started = next(e for e in told if isinstance(e, RunStarted))
    pairs = [(p["method"], p["student"], p["teacher"], p["spatial"]) for p in started.plan["pairs"]]
    assert pairs == [
        ("fitnet", "f2", "f2", "pool-teacher"),
        ("at", "f1", "f1", "pool-teacher"),
        ("at", "f2", "f2", "pool-teacher"),
        ("at", "f4", "f3", "pool-teacher"),
        ("rkd", "pooled", "pooled", "same"),
    ]
    notes = [e.text for e in told if isinstance(e, Note) and " compares student " in e.text]
    assert len(notes) == len(pairs)
    assert "fitnet" in pairs[0] and "131,168 parameters" in notes[0]  # to twice the side: a transposed convolution
    for pair, note in zip(started.plan["pairs"], notes):
        assert note.endswith(pair["how"])


def test_affinity_and_cka_are_measured_at_the_students_stages_that_have_a_counterpart(told: list[Event]) -> None:
    names = {name for e in told if isinstance(e, Measured) for name in e.values}
    for tap in ("f1", "f2", "f4"):
        assert {f"affinity_error/{tap}", f"cka/{tap}"} <= names
    assert "cka/f3" not in names


def test_attention_is_watched_by_stage(told: list[Event]) -> None:
    watched = [e for e in told if isinstance(e, Watched) and e.watch == "at.stages"]
    assert [e.labels for e in watched] == [{"names": ["f1", "f2", "f4"]}]


def test_a_pair_that_cannot_be_compared_is_refused_before_any_stage(tmp_path: Path) -> None:
    said: list[Event] = []
    resolved = presets.resolve("experiments/digits-fitnet", form=QUICK | {"methods.fitnet.stage": 3})
    with pytest.raises(session.RefusedError, match="stage 3 of the student has no counterpart"):
        session.run(resolved, said.append, Control(), home=tmp_path)
    [refusal] = said
    assert isinstance(refusal, Refused)
    assert refusal.problems[0]["path"] == "methods.fitnet.stage"
    assert not any(isinstance(e, StageEnded) for e in said)
