"""A run in a child process is steered and watched as the training thread is, and goes on where the thread could, too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from engine import events, presets
from engine.presets import Resolved
from engine.runs import RunFolder
from kdstudio.queue.child_run import ChildTrainer

LONG = 120_000
"""Milliseconds: a child loads torch first, and the machine may be busy."""


@pytest.fixture
def child() -> Iterator[ChildTrainer]:
    made = ChildTrainer()
    yield made
    made.end()


def short(**run: Any) -> Resolved:
    """The digits on labels alone, as little of them as can be trained on."""
    return presets.resolve(
        "experiments/digits-labels",
        form={
            "dataset.subset": 0.2, "training.epochs": 4, "run.threads": 1, "run.compile": "off", "run.precision": "float32",
            "run.probe_images": 16, "run.report_every": 2, **{f"run.{k}": v for k, v in run.items()},
        },
    )  # fmt: skip


def listen(child: ChildTrainer) -> tuple[list[Any], list[str]]:
    said: list[Any] = []
    states: list[str] = []
    child.said.connect(said.append)
    child.state_changed.connect(states.append)
    return said, states


def test_a_child_pauses_goes_on_stops_with_a_checkpoint_and_is_finished_later(
    child: ChildTrainer, qtbot: QtBot, tmp_path: Path
) -> None:
    """Half a minute: a child trains in earnest, twice, for nothing else shows that its levers are obeyed."""
    said, states = listen(child)
    child.start(short(repeats=2), tmp_path, repeats=(0,))
    qtbot.waitUntil(lambda: any(isinstance(e, events.Step) for e in said), timeout=LONG)
    child.pause()
    qtbot.waitUntil(lambda: child.state == "paused", timeout=LONG)
    child.resume()
    qtbot.waitUntil(lambda: child.state == "running", timeout=LONG)
    child.stop()
    qtbot.waitUntil(lambda: child.state == "idle", timeout=LONG)
    assert states[0] == "starting"
    assert states[-2:] == ["stopping", "idle"]
    start = next(e for e in said if isinstance(e, events.RunStarted))
    path = Path(start.folder)
    assert (start.repeat, start.repeats, RunFolder.open(path).state()) == (0, 2, "stopped")

    said.clear()
    child.start(short(repeats=2), tmp_path, resume=path, repeats=(0,))
    qtbot.waitUntil(lambda: child.state == "idle", timeout=LONG)
    assert any(isinstance(e, events.RunResumed) for e in said)
    assert isinstance(said[-1], events.RunEnded), said[-1]
    assert said[-1].outcome == "done"
    assert [p.name for p in tmp_path.glob("*-s*")] == [path.name]


def test_an_experiment_that_a_child_refuses_is_told(child: ChildTrainer, qtbot: QtBot, tmp_path: Path) -> None:
    said, _ = listen(child)
    child.start(short(device="cuda:7"), tmp_path)
    qtbot.waitUntil(lambda: child.state == "idle", timeout=LONG)
    assert isinstance(said[-1], events.Refused)
    assert said[-1].problems[0]["path"] == "run.device"


def test_a_child_that_is_killed_ends_in_words(child: ChildTrainer, qtbot: QtBot, tmp_path: Path) -> None:
    said, _ = listen(child)
    child.start(short(), tmp_path)
    process = child._child._process
    qtbot.waitUntil(lambda: process.processId() > 0, timeout=LONG)
    os.kill(process.processId(), 9)
    qtbot.waitUntil(lambda: child.state == "idle", timeout=LONG)
    assert isinstance(said[-1], events.RunEnded)
    assert (said[-1].outcome, bool(said[-1].sentence)) == ("failed", True)
