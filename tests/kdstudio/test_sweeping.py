"""Sweeping a setting: from its menu to the queue, with the number of runs and the time said before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from queue_stubs import ObedientWorker
from small_runs import ended, started

from engine.runs import RunFolder
from kdstudio.background.measuring import BEGINS
from kdstudio.queue.axis import LIST, LOG, RANGE, ListAxis, NumberAxis, TickAxis
from kdstudio.queue.sweeping import SweepSheet
from kdstudio.store import Store
from kdstudio.window import Window

TEMPERATURE = "methods.dkd.temperature"


@pytest.fixture
def window(store: Store, qtbot: QtBot, tmp_path: Path) -> Iterator[Window]:
    made = Window(store, tmp_path, ObedientWorker())  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.show()
    yield made
    if made.lineup._devices is not None:
        made.lineup._devices.wait()
    made.lineup.close()


def opened(window: Window, path: str = TEMPERATURE) -> SweepSheet:
    window.setup.sweep_requested.emit(path)
    sheet = next(s for s in window.findChildren(SweepSheet) if s.isVisible())
    sheet.pacing.wait()
    return sheet


def number_axis(sheet: SweepSheet, path: str = TEMPERATURE) -> NumberAxis:
    found = sheet.axes[path]
    assert isinstance(found, NumberAxis)
    return found


def test_a_setting_is_swept_from_the_menu_of_its_field(window: Window) -> None:
    cell = window.setup.methods["dkd"].reveal(TEMPERATURE)
    assert cell is not None
    menu = cell.menu.menu(cell.editor)
    next(a for a in menu.actions() if a.text().startswith("Sweep")).trigger()
    assert any(s.isVisible() for s in window.findChildren(SweepSheet))


def test_a_list_of_values_is_counted_before_it_is_queued(window: Window, qtbot: QtBot) -> None:
    sheet = opened(window)
    axis = number_axis(sheet)
    axis.line.clear()
    qtbot.keyClicks(axis.line, "1, 2, 4, 8")
    qtbot.waitUntil(lambda: sheet.runs == 4, timeout=3000)
    sheet.repeats.lineEdit().selectAll()
    qtbot.keyClicks(sheet.repeats.lineEdit(), "3")
    qtbot.waitUntil(lambda: sheet.runs == 12, timeout=3000)
    assert sheet.sum.text() == "4 experiments × 3 seeds (0 to 2) = 12 runs"
    assert sheet.buttons["Queue"].text() == "Queue 12 runs"
    sheet.buttons["Queue"].click()
    entries = window.lineup.queue.listing.entries
    assert [e.title.partition(" · ")[0] for e in entries] == [f"temperature {t}" for t in (1, 2, 4, 8)]
    assert {(e.repeats, e.batch) for e in entries} == {(3, "Sweep DKD: temperature")}
    assert window.page("queue").isVisible()
    assert [e.state for e in entries] == ["running", "waiting", "waiting", "waiting"]


@pytest.mark.parametrize(("kind", "middle"), [(RANGE, 5.05), (LOG, 1.0)])
def test_a_range_has_even_steps_and_a_log_range_even_factors(window: Window, kind: str, middle: float) -> None:
    sheet = opened(window)
    axis = number_axis(sheet)
    axis.choose(kind)
    for field, text in ((axis.low, "0.1"), (axis.high, "10"), (axis.count, "3")):
        field.lineEdit().setText(text)
    sheet.count()
    found = [r.experiment.methods["dkd"].get("temperature", 4.0) for r in sheet.experiments]
    assert found == pytest.approx([0.1, middle, 10.0])
    axis.choose(LIST)
    sheet.count()
    assert len(sheet.experiments) == 1


def test_what_cannot_be_is_said_and_nothing_can_be_queued(window: Window) -> None:
    sheet = opened(window)
    axis = number_axis(sheet)
    for text, said in (("", "write the values"), ("warm", "warm"), ("-1, 4", "0")):
        axis.line.setText(text)
        sheet.count()
        assert said in sheet.wrong.text().lower()
        assert not sheet.buttons["Queue"].isEnabled()
    axis.line.setText("2")
    sheet.repeats.lineEdit().setText("300")
    sheet.count()
    assert "from 1 to 100" in sheet.wrong.text()
    sheet.repeats.lineEdit().setText("1")
    axis.choose(RANGE)
    axis.low.lineEdit().setText("9")
    axis.high.lineEdit().setText("3")
    sheet.count()
    assert "must be above" in sheet.wrong.text()


def test_another_setting_joins_and_leaves(window: Window) -> None:
    sheet = opened(window)
    number_axis(sheet).line.setText("1, 4")
    sheet.add("training.schedule")
    assert isinstance(sheet.axes["training.schedule"], TickAxis)
    assert sheet.runs == 6
    box = sheet.axes["training.schedule"].boxes["constant"]
    box.click()
    sheet.count()
    assert sheet.runs == 4
    sheet.add("student.net")
    assert isinstance(sheet.axes["student.net"], ListAxis)
    assert sheet.experiments[0].experiment.title.startswith("temperature 1 · schedule multistep · net ")


def test_too_much_for_one_sweep_is_refused(window: Window) -> None:
    sheet = opened(window)
    axis = number_axis(sheet)
    axis.choose(RANGE)
    for field, text in ((axis.low, "1"), (axis.high, "9"), (axis.count, "900")):
        field.lineEdit().setText(text)
    sheet.add("training.nesterov")
    assert "too many for one sweep" in sheet.wrong.text()
    assert not sheet.buttons["Queue"].isEnabled()


def test_the_time_is_told_from_runs_like_it(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    resolved = window.store.resolved()
    folder = RunFolder.create(tmp_path, resolved, "old")
    folder.append(started(run="old"))
    epochs = resolved.experiment.training.epochs
    folder.append(ended(seconds=130.0, seconds_teacher=10.0, seconds_distilling=120.0, epochs=epochs))
    sheet = opened(window)
    number_axis(sheet).line.setText("1, 2, 3")
    sheet.count()
    qtbot.waitUntil(lambda: "6 min in all, judged by earlier runs" in sheet.time.text(), timeout=3000)
    assert not sheet.measure.isVisible()


def test_where_nothing_like_it_has_run_it_can_be_measured(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = opened(window)
    qtbot.waitUntil(lambda: "nothing like it" in sheet.time.text(), timeout=3000)
    assert sheet.measure.isVisible()
    asked: list[list[str]] = []
    monkeypatch.setattr(sheet.measuring._child, "start", lambda words, environment=None: asked.append(list(words)))
    sheet.measure.click()
    assert asked[0][0] == "probe"
    assert sheet.time.text() == BEGINS
    stages = [
        {"title": t, "seconds": s, "seconds_a_step": 0.1, "words": ""} for t, s in (("teacher", 500.0), ("distilling", 60.0))
    ]
    resources = {"threads": 1, "name": "CPU", "device": "cpu", "precision": "float32", "compile": False}
    cost = {"stages": stages, "seconds": 560.0, "peak_memory": 1, "memory": 2, "resources": resources}
    sheet.measuring._hear({"cost": cost})
    sheet.measuring._end(0, "")
    number_axis(sheet).line.setText("1, 2")
    sheet.count()
    assert "2 min in all, as measured" in sheet.time.text()  # the teacher is trained once and kept
