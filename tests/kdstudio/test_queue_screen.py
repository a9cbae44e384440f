"""The queue as a person meets it: start, wait, order by buttons, keys and drag, edit, remove and take back, follow, control."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtWidgets import QFileDialog, QMenu
from pytestqt.qtbot import QtBot
from queue_stubs import ObedientWorker
from recorded import Recipe, record, shorter

from engine.accelerators import Accelerator
from engine.queue import AWAITED
from kdstudio.screens.queue import QueueScreen
from kdstudio.store import Store
from kdstudio.widgets.asking import Sheet
from kdstudio.window import Window


@pytest.fixture
def worker() -> ObedientWorker:
    return ObedientWorker()


@pytest.fixture
def window(store: Store, worker: ObedientWorker, qtbot: QtBot, tmp_path: Path) -> Iterator[Window]:
    made = Window(store, tmp_path, worker)  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    yield made
    if made.lineup._devices is not None:
        made.lineup._devices.wait()
    made.lineup.close()


def fill(window: Window, *titles: str) -> QueueScreen:
    """Start the first and queue the others, by clicks in Set up."""
    for title in titles:
        window.store.set_value("training.epochs", 10 + len(title))
        window.start(_titled(window, title))
    window.rail.items["queue"].click()
    return page(window)


def _titled(window: Window, title: str) -> Any:
    resolved = window.store.resolved()
    resolved.experiment.title = title
    return resolved


def page(window: Window) -> QueueScreen:
    screen = window.page("queue")
    assert isinstance(screen, QueueScreen)
    return screen


def titles(screen: QueueScreen) -> list[str]:
    return [line.title for line in screen.model.lines]


def pick(screen: QueueScreen, *wanted: str) -> None:
    screen.view.clearSelection()
    for row, title in enumerate(titles(screen)):
        if title in wanted:
            screen.view.selectionModel().setCurrentIndex(screen.model.index(row), QItemSelectionModel.SelectionFlag.Select)


def act(menu: QMenu, words: str) -> None:
    next(a for a in menu.actions() if a.text().startswith(words)).trigger()


def sheet(window: Window) -> Sheet:
    return next(s for s in window.findChildren(Sheet) if s.isVisible())


def test_an_empty_queue_says_what_to_do(window: Window) -> None:
    window.rail.items["queue"].click()
    screen = page(window)
    assert screen._pages.currentIndex() == 0
    assert not screen.go.isEnabled()


def test_start_while_something_runs_waits_in_line_and_says_its_place(window: Window) -> None:
    screen = fill(window, "A", "B", "C")
    assert titles(screen) == ["A", "B", "C"]
    assert [line.state for line in screen.model.lines] == ["running", "1st in line", "2nd in line"]
    assert screen.count.text() == "2 waiting"
    assert window.rail.items["queue"]._dot == "accent"


def test_entries_are_moved_by_buttons_and_by_keys_and_stay_chosen(window: Window, qtbot: QtBot) -> None:
    screen = fill(window, "A", "B", "C", "D")
    pick(screen, "D")
    screen.up.click()
    assert titles(screen) == ["A", "B", "D", "C"]
    qtbot.keyClick(screen.view, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert titles(screen) == ["A", "D", "B", "C"]
    qtbot.keyClick(screen.view, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert titles(screen) == ["A", "B", "D", "C"]
    chosen = screen.chosen()
    assert chosen is not None
    assert chosen.title == "D"
    pick(screen, "A")
    assert not screen.up.isEnabled()  # it runs


def test_entries_are_moved_by_dragging(window: Window) -> None:
    screen = fill(window, "A", "B", "C", "D")
    carried = screen.model.mimeData([screen.model.index(3)])
    screen.model.dropMimeData(carried, Qt.DropAction.MoveAction, 1, 0, QModelIndex())
    assert titles(screen) == ["A", "D", "B", "C"]
    both = screen.model.mimeData([screen.model.index(1), screen.model.index(2)])
    screen.model.dropMimeData(both, Qt.DropAction.MoveAction, -1, -1, QModelIndex())
    assert titles(screen) == ["A", "C", "D", "B"]
    assert not screen.model.flags(screen.model.index(0)) & Qt.ItemFlag.ItemIsDragEnabled


def test_removed_entries_come_back(window: Window, qtbot: QtBot) -> None:
    screen = fill(window, "A", "B", "C")
    pick(screen, "B", "C")
    qtbot.keyClick(screen.view, Qt.Key.Key_Delete)
    assert titles(screen) == ["A"]
    assert screen.undo.isVisible()
    qtbot.keyClick(screen.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert titles(screen) == ["A", "B", "C"]
    assert not screen.undo.isVisible()
    pick(screen, "A")
    assert not screen.remove.isEnabled()


def test_an_entry_is_edited_in_set_up_and_put_back_and_the_form_is_as_it_was(window: Window, worker: ObedientWorker) -> None:
    screen = fill(window, "A", "B")
    window.store.set_value("training.epochs", 99)
    pick(screen, "B")
    screen.edit.click()
    assert window.setup.isVisible()
    assert window.lineup.banner.isVisible()
    assert "“B”" in window.lineup.banner.words.text()
    assert window.store.value("training.epochs") == 11
    assert window.setup.plan.start.text() == "Put back into the queue"
    window.store.set_value("training.epochs", 5)
    window.setup.plan.start.click()
    assert screen.isVisible()
    assert not window.lineup.banner.isVisible()
    entry = window.lineup.queue.listing.entries[1]
    assert window.lineup.queue.file.resolved(entry.key).experiment.training.epochs == 5
    assert window.store.value("training.epochs") == 99
    assert window.setup.plan.start.text() == "Queue"


def test_an_edit_can_be_left(window: Window) -> None:
    screen = fill(window, "A", "B")
    pick(screen, "B")
    screen.edit.click()
    window.lineup.banner.leave.click()
    assert [line.state for line in screen.model.lines] == ["running", "1st in line"]
    assert window.setup.plan.start.text() == "Queue"


def test_pausing_lets_the_run_end_and_begins_nothing(window: Window, worker: ObedientWorker, qtbot: QtBot) -> None:
    screen = fill(window, "A", "B")
    screen.rest.click()
    assert "Nothing new begins" in screen.state.text()
    worker.finish()
    qtbot.waitUntil(lambda: [x.state for x in screen.model.lines] == ["done", "1st in line"], timeout=3000)
    assert window.setup.plan.start.text() == "Start"
    screen.go.click()
    assert [line.state for line in screen.model.lines] == ["done", "running"]


def test_the_run_screen_follows_the_next_entry(window: Window, worker: ObedientWorker, qtbot: QtBot) -> None:
    fill(window, "A", "B")
    worker.finish()
    qtbot.waitUntil(lambda: worker.state == "starting", timeout=3000)
    worker.begin()
    assert window.run.history.started is not None
    assert window.run.history.started.run == worker.folder.path.name


def test_a_failed_entry_shows_its_sentence_and_is_tried_again(window: Window, worker: ObedientWorker, qtbot: QtBot) -> None:
    screen = fill(window, "A")
    worker.finish("failed", "No memory left.")
    qtbot.waitUntil(lambda: screen.model.lines[0].state == "failed", timeout=3000)
    assert screen.model.lines[0].sentence == "No memory left."
    pick(screen, "A")
    act(screen.menu(), "Go on with it")
    assert screen.model.lines[0].state == "running"


def test_the_form_takes_its_teacher_from_an_entry_and_waits_for_it(
    window: Window, worker: ObedientWorker, qtbot: QtBot
) -> None:
    window.store.set_value("student.net", "resnet20")
    screen = fill(window, "Teacher")
    window.store.set_value("student.net", "resnet8")
    pick(screen, "Teacher")
    act(screen.menu(), "Distil from its student")
    key = window.lineup.queue.listing.entries[0].key
    assert window.setup.isVisible()
    assert window.store.value("teacher.run") == f"{AWAITED}{key}"
    assert window.store.problems == ()
    window.start(_titled(window, "Student"))
    window.rail.items["queue"].click()
    assert screen.model.lines[1].sentence == "Waits for “Teacher”, which makes its teacher."
    path = worker.finish()
    qtbot.waitUntil(lambda: len(worker.orders) == 2, timeout=3000)
    assert worker.orders[-1][0].experiment.teacher.run == path.name


def test_a_teacher_of_another_net_is_refused_before_it_waits(window: Window) -> None:
    screen = fill(window, "Teacher")
    pick(screen, "Teacher")
    act(screen.menu(), "Distil from its student")
    window.store.set_value("teacher.net", "resnet56")
    window.start(window.store.resolved())
    assert "makes a resnet8, not a resnet56" in sheet(window).sentence.text()
    assert len(window.lineup.queue.listing.entries) == 1


def test_quantizing_an_entry_opens_its_experiment_from_its_student_in_four_bits(window: Window) -> None:
    screen = fill(window, "Full")
    pick(screen, "Full")
    act(screen.menu(), "Quantize its student")
    resolved = window.store.resolved().experiment
    key = window.lineup.queue.listing.entries[0].key
    assert (resolved.student.source, resolved.student.run) == ("run", f"{AWAITED}{key}")
    assert (resolved.student.quantize.weights, resolved.student.quantize.activations) == (4, 4)
    assert resolved.training.learning_rate == pytest.approx(0.01)
    assert resolved.title == "Full, 4 bits"


def test_a_removed_source_becomes_a_problem_of_the_form(window: Window) -> None:
    screen = fill(window, "A", "Teacher")
    pick(screen, "Teacher")
    act(screen.menu(), "Start from its student")
    assert window.store.problems == ()
    screen.take_out()
    assert [p.path for p in window.store.problems] == ["student.run"]


def test_the_controls_of_an_entry_are_queued_at_once_on_its_seeds(window: Window) -> None:
    window.store.set_value("run.repeats", 3)
    screen = fill(window, "Mine")
    pick(screen, "Mine")
    screen.controls.click()
    found = [line.title.partition(" · ")[0] for line in screen.model.lines[1:]]
    assert found[0] == "labels alone"
    assert {"matched label smoothing", "untrained teacher", "without the labels"} <= set(found)
    entries = window.lineup.queue.listing.entries
    assert {(e.seed, e.repeats, e.batch) for e in entries[1:]} == {(0, 3, "Controls of Mine")}


def test_an_entry_that_resumes_a_run_opens_it_and_has_controls_like_any(window: Window, tmp_path: Path) -> None:
    folder, _ = record(tmp_path / "runs", shorter(Recipe(epochs=6), 0.5, "stopped"))
    screen = fill(window, "A")
    window.lineup.resume(folder.path, folder.experiment())
    title = folder.experiment().experiment.title
    pick(screen, title)
    assert screen.controls.isEnabled()
    assert screen.watch.text() == "Open run"
    screen.watch.click()
    assert window.past.isVisible() and window.past.history.folder == folder.path


def test_an_export_is_queued_behind_its_run(window: Window, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    screen = fill(window, "A")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "out"))
    pick(screen, "A")
    act(screen.menu(), "Export its student")
    assert titles(screen) == ["A", "Export the student of A"]
    assert screen.model.lines[1].sentence == "Waits for “A”, which makes its student to export."
    pick(screen, "Export the student of A")
    assert not screen.edit.isEnabled()


def test_watching_leads_to_the_run_live_and_stored(window: Window, worker: ObedientWorker, qtbot: QtBot) -> None:
    screen = fill(window, "A")
    worker.begin()
    pick(screen, "A")
    screen.refresh()
    screen.watch.click()
    assert window.run.isVisible()
    worker.finish()
    window.rail.items["queue"].click()
    qtbot.waitUntil(lambda: screen.watch.text() == "Open run", timeout=3000)
    screen.watch.click()
    assert window.past.isVisible()


def test_what_is_finished_is_cleared(window: Window, worker: ObedientWorker, qtbot: QtBot) -> None:
    screen = fill(window, "A", "B")
    worker.finish()
    qtbot.waitUntil(lambda: screen.model.lines[0].state == "done", timeout=3000)
    screen.clear.click()
    assert titles(screen) == ["B"]


def test_further_devices_are_offered_where_there_are_any_and_remembered(window: Window) -> None:
    screen = fill(window, "A")
    assert not screen.devices.isVisible()
    gpus = (Accelerator("cuda:0", "A GPU", 8 << 30), Accelerator("cuda:1", "A GPU", 8 << 30))
    window.lineup.devices.take(gpus)
    assert screen.devices.isVisible()
    act(screen.device_menu(), "Train also on cuda:1 (A GPU, 8 GiB)")
    assert "cuda:1" in window.lineup.queue.desks
    act(screen.device_menu(), "Train also on cuda:1")
    assert "cuda:1" not in window.lineup.queue.desks


def test_a_run_on_a_further_device_has_a_screen_of_its_own(window: Window, worker: ObedientWorker) -> None:
    screen = fill(window, "A")
    second = ObedientWorker()
    window.lineup.queue.employ("cuda:1", second)
    window.start(_titled(window, "B"))
    second.begin()
    pick(screen, "B")
    screen.refresh()
    screen.watch.click()
    beside = window.lineup._beside["cuda:1"]
    assert beside.isVisible()
    assert beside.history.started is not None
    beside.stop_requested.emit()
    assert second.levers == ["stop"]
    assert worker.levers == []


def test_closing_stops_every_device_and_keeps_what_ran_in_line(
    window: Window, worker: ObedientWorker, qtbot: QtBot, tmp_path: Path
) -> None:
    fill(window, "A", "B")
    window.close()
    assert window.isVisible()
    sheet(window).buttons["Stop and close"].click()
    assert worker.levers == ["stop"]
    worker.finish("stopped", "Stopped.")
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=3000)
    from engine.queue import QueueFile

    assert [(e.title, e.state) for e in QueueFile(tmp_path).read().entries] == [("A", "waiting"), ("B", "waiting")]


def test_a_queue_that_cannot_be_read_is_told_and_left_alone(window: Window, tmp_path: Path, worker: ObedientWorker) -> None:
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue" / "queue.json").write_text("{", encoding="utf-8")
    window.setup.plan.start.click()
    assert "Move it away" in sheet(window).sentence.text()
    assert worker.orders == []
    assert (tmp_path / "queue" / "queue.json").read_text(encoding="utf-8") == "{"
