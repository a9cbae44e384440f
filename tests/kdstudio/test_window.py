"""The window: its screens, its one run, and leaving while that goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from patient import PatientTrainer
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot
from recorded import Recipe, record

from kdstudio import theme
from kdstudio.rail import MODES
from kdstudio.store import Store
from kdstudio.widgets.asking import Sheet
from kdstudio.window import Window


@pytest.fixture
def window(store: Store, qtbot: QtBot, tmp_path: Path) -> Any:
    made = Window(store, tmp_path, PatientTrainer())  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.show()
    yield made
    if "runs" in made.built():
        made.runs.wait()


def sheet(window: Window) -> Sheet:
    return next(s for s in window.findChildren(Sheet) if s.isVisible())


def test_the_window_opens_on_set_up_and_builds_no_other_screen(window: Any) -> None:
    assert window.setup.isVisible()
    assert window.built() == ("setup",)


def test_the_rail_leads_to_every_screen(window: Any) -> None:
    for name in ("run", "runs", "setup"):
        window.rail.items[name].click()
        assert getattr(window, name).isVisible()
        assert window.rail.items[name].isChecked()


def test_start_hands_the_experiment_to_the_trainer_and_shows_the_run(window: Any, tmp_path: Path) -> None:
    window.store.set_value("training.epochs", 3)
    window.setup.plan.start.click()
    resolved, home, resume = window.trainer.orders[0]
    assert (resolved.experiment.training.epochs, home, resume) == (3, tmp_path, None)
    assert window.run.isVisible()


def test_changing_the_form_does_not_change_the_run(window: Any) -> None:
    window.setup.plan.start.click()
    window.store.set_value("training.epochs", 3)
    assert window.trainer.orders[0][0].experiment.training.epochs != 3


def test_a_second_experiment_waits_in_the_queue_while_a_run_goes_on(window: Any) -> None:
    window.setup.plan.start.click()
    assert window.setup.plan.start.text() == "Queue"
    window.store.set_value("training.epochs", 7)
    window.setup.plan.start.click()
    assert len(window.trainer.orders) == 1
    assert [e.state for e in window.lineup.queue.listing.entries] == ["running", "waiting"]
    (waiting,) = window.lineup.queue.listing.waiting()
    assert window.lineup.queue.file.resolved(waiting.key).experiment.training.epochs == 7


def test_a_stored_run_opens_apart_from_the_one_that_goes_on(window: Any, tmp_path: Path) -> None:
    folder, _ = record(tmp_path, Recipe(until=0.2, epochs=3))
    window.setup.plan.start.click()
    window.open_run(folder.path)
    assert window.past.isVisible()
    assert window.past is not window.run
    assert window.past.history.started is not None
    assert window.run.history.started is None


def test_a_folder_that_is_no_run_is_told(window: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "nowhere"))
    window.runs.folder.click()
    assert sheet(window).windowTitle() == "This run cannot be opened"
    assert "is not the folder of a run" in sheet(window).sentence.text()


def test_a_run_can_be_cloned_with_the_fix_of_a_finding(window: Any, tmp_path: Path) -> None:
    folder, _ = record(tmp_path, Recipe(until=0.2, epochs=3))
    window.clone_run(folder.path, {"training.epochs": 9})
    assert window.setup.isVisible()
    assert (window.store.value("training.epochs"), window.store.origin("training.epochs")) == (9, "you")


def test_resuming_hands_the_folder_to_the_trainer(window: Any, tmp_path: Path) -> None:
    folder, _ = record(tmp_path / "elsewhere", Recipe(until=0.2, epochs=3, outcome="stopped"))
    window.resume_run(folder.path)
    _, home, resume = window.trainer.orders[0]
    assert (home, resume) == (tmp_path / "elsewhere", folder.path)  # its repeats and teachers lie beside it


def test_closing_an_idle_window_asks_nothing(window: Any) -> None:
    window.close()
    assert not window.isVisible()


def test_closing_while_a_run_goes_on_asks_and_can_be_taken_back(window: Any) -> None:
    window.setup.plan.start.click()
    window.close()
    assert window.isVisible()
    sheet(window).buttons["Keep running"].click()
    window.trainer.enter("idle")
    assert window.isVisible()


def test_stop_and_close_leaves_once_the_trainer_has_stopped(window: Any, qtbot: QtBot) -> None:
    window.setup.plan.start.click()
    window.close()
    sheet(window).buttons["Stop and close"].click()
    assert window.trainer.orders[-1] == "stop"
    assert window.isVisible()
    window.trainer.enter("idle")
    qtbot.waitUntil(lambda: not window.isVisible())


def test_close_when_done_stays_until_the_run_is_over(window: Any, qtbot: QtBot) -> None:
    window.setup.plan.start.click()
    window.close()
    sheet(window).buttons["Close when done"].click()
    assert "stop" not in window.trainer.orders
    window.trainer.enter("idle")
    qtbot.waitUntil(lambda: not window.isVisible())


def test_the_theme_goes_round(window: Any, dressed: QApplication) -> None:
    seen = []
    for _ in MODES:
        window.rail.theme.click()
        seen.append(theme.mode())
        assert window.rail.theme.text() == MODES[theme.mode()][1]
    assert set(seen) == set(MODES)


def test_the_window_loads_neither_torch_nor_plots_until_they_are_wanted() -> None:
    code = (
        "import sys; from pathlib import Path; from PySide6.QtWidgets import QApplication; from kdstudio import app;"
        "q = QApplication([]); w = app.open_window(app.DEFAULT, Path('.')); w.show(); q.processEvents();"
        "print([m for m in ('torch', 'pyqtgraph', 'numpy', 'typer', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
