"""One person's way through the window: pick, change, start, pause, go on, stop, resume, take the student away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

import engine
from engine import presets
from engine.events import Step
from kdstudio.app import open_window
from kdstudio.window import Window

LONG = 120_000
"""Milliseconds a run on a busy machine may take."""


@pytest.fixture
def window(qtbot: QtBot, dressed: Any, tmp_path: Path) -> Iterator[Window]:
    made = open_window("experiments/digits-labels", tmp_path / "runs")
    qtbot.addWidget(made, before_close_func=lambda w: (w.trainer.stop(), w.trainer.wait()))
    made.resize(1280, 800)
    made.show()
    threads = torch.get_num_threads()
    yield made
    made.trainer.stop()
    made.trainer.wait()
    made.runs.wait()
    torch.set_num_threads(threads)


def click(qtbot: QtBot, button: QPushButton) -> None:
    assert button.isVisible(), button.text()
    assert button.isEnabled(), button.text()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def type_into(window: Window, qtbot: QtBot, path: str, text: str) -> None:
    window.setup.reveal(path)
    cells = (s.reveal(path) for s in (*window.setup.methods.values(), *window.setup.fixed.values()) if s.holds(path))
    cell = next(c for c in cells if c is not None)
    line = cell.editor.findChild(QLineEdit) or cell.editor
    line.selectAll()  # type: ignore[attr-defined]
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Tab)


def pick(window: Window, qtbot: QtBot, words: str) -> None:
    header = window.setup.header
    click(qtbot, header.pick)
    assert header._picker is not None
    qtbot.keyClicks(header._picker.search, words)
    qtbot.keyClick(header._picker.search, Qt.Key.Key_Return)


def steps(window: Window) -> list[float]:
    curve = window.run.history.curve("distilling", "loss")
    return [] if curve is None else curve.x("step").tolist()


def test_from_picking_a_preset_to_taking_the_student_away(
    window: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Any] = []
    window.trainer.said.connect(said.append)

    pick(window, qtbot, "digits-label-smoothing")
    assert window.store.base().name == "experiments/digits-label-smoothing"
    type_into(window, qtbot, "training.epochs", "8")
    for path, value in (("run.threads", 1), ("run.report_every", 2), ("dataset.subset", 0.3), ("run.probe_images", 32)):
        window.store.set_value(path, value)
    assert window.store.resolved().experiment.training.epochs == 8

    click(qtbot, window.setup.plan.start)
    assert window.run.isVisible()
    header = window.run.header
    assert (header.title.text(), header.chip.text()) == (window.store.resolved().experiment.title, "starting")
    qtbot.waitUntil(lambda: len(steps(window)) > 2, timeout=LONG)
    click(qtbot, header.pause)
    qtbot.waitUntil(lambda: window.trainer.state == "paused", timeout=LONG)
    stood = len([e for e in said if isinstance(e, Step)])
    qtbot.wait(300)
    assert len([e for e in said if isinstance(e, Step)]) == stood
    click(qtbot, header.pause)
    qtbot.waitUntil(lambda: len([e for e in said if isinstance(e, Step)]) > stood, timeout=LONG)

    click(qtbot, header.stop)
    qtbot.waitUntil(lambda: window.lineup.queue.desks[""].free, timeout=LONG)  # a moment after the trainer is idle
    assert window.run.history.state == "stopped"
    before = steps(window)
    assert before[-1] < window.run.history.stages["distilling"].steps

    click(qtbot, window.run.results.go_on)
    qtbot.waitUntil(lambda: window.trainer.state == "idle", timeout=LONG)
    assert window.run.history.state == "done", window.run.history.log[-1]
    assert steps(window) == sorted(set(steps(window)))
    assert steps(window)[: len(before)] == before
    assert window.run.history.stages["distilling"].epoch == 8

    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (str(tmp_path / a[2]), ""))
    click(qtbot, window.run.results.student)
    click(qtbot, window.run.results.preset)
    student = engine.load_student(next(tmp_path.glob("*.safetensors")))
    assert student(torch.zeros(1, 1, 8, 8)).shape == (1, 10)
    again = presets.resolve(next(tmp_path.glob("*.yaml")))
    assert again.experiment.training.epochs == 8

    window.show_runs()
    qtbot.waitUntil(lambda: window.runs.shown.rowCount() == 1, timeout=5000)
    window.runs.view.selectRow(0)
    click(qtbot, window.runs.open)
    assert window.past.isVisible()
    assert window.past.history.state == "done"


def test_a_run_that_cannot_work_is_told_and_the_window_is_free_again(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    window.store.open_preset("experiments/fashion-mnist-labels")
    window.store.set_value("dataset.root", str(tmp_path / "no such folder"))
    resolved = window.store.resolved()
    window.start(resolved)
    qtbot.waitUntil(lambda: window.trainer.state == "idle", timeout=LONG)
    assert window.run.history.state == "refused"
    (problem,) = window.run.history.problems
    assert problem["path"] == "dataset.root"
    assert "no such folder" in problem["sentence"]
    assert not window.setup.plan.start.isEnabled()
    window.store.reset_value("dataset.root")
    assert window.store.problems == ()
    assert window.setup.plan.start.isEnabled()
