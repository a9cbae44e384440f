"""Beside the plots of the Run screen: a log that can be searched, weights that can be moved, the machine, a word at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from patient import PatientTrainer
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QSystemTrayIcon
from pytestqt.qtbot import QtBot
from recorded import Recipe, record, shorter
from shown import run_screen

from engine import events
from kdstudio.screens.run import RunScreen
from kdstudio.store import Store
from kdstudio.window import Window

TAUGHT = Recipe(epochs=6, teacher=True)


@pytest.fixture
def screen(qtbot: QtBot) -> RunScreen:
    return run_screen(qtbot)


def play(screen: RunScreen, said: list[events.Event], state: str = "running") -> None:
    screen.set_state("starting")
    for event in said:
        screen.receive(event)
    screen.set_state(state)
    screen.redraw.finish()


def lines(screen: RunScreen) -> list[str]:
    return screen.log.text.toPlainText().splitlines()


# The log


def test_the_log_shows_warnings_alone_and_counts_them(screen: RunScreen, tmp_path: Path) -> None:
    play(screen, record(tmp_path, shorter(Recipe(epochs=6), 0.5, "failed"))[1], "idle")
    screen.log.button.click()
    everything = len(lines(screen))
    assert screen.log.counts.text() == "1 warning, 1 error"
    screen.log.levels["warnings"].click()
    assert len(lines(screen)) == 2 < everything
    screen.log.levels["errors"].click()
    assert len(lines(screen)) == 1 and "OutOfMemoryError" in lines(screen)[0]
    screen.log.levels["all"].click()
    assert len(lines(screen)) == everything


def test_the_log_is_searched_and_what_comes_later_is_sought_in_too(screen: RunScreen, qtbot: QtBot, tmp_path: Path) -> None:
    play(screen, record(tmp_path, shorter(TAUGHT, 0.5))[1])
    screen.log.button.click()
    qtbot.keyClicks(screen.log.search, "CHECKPOINT")
    before = len(lines(screen))
    for text in ("A checkpoint was written.", "Something else."):
        screen.receive(events.Note(text=text))
    screen._refresh_words()
    assert len(lines(screen)) == before + 1
    screen.log.search.clear()
    assert len(lines(screen)) == len(screen.history.log)


# Weights


def test_a_slider_asks_for_a_weight_and_shows_what_the_run_made_of_it(screen: RunScreen, qtbot: QtBot, tmp_path: Path) -> None:
    play(screen, record(tmp_path, shorter(TAUGHT, 0.5))[1])
    assert screen.panels is not None
    card = screen.panels.weights
    row = card._rows["dkd.nckd"]
    assert row.words.text() == "8.000"
    row.slider.setFocus()
    with qtbot.waitSignal(screen.weight_requested) as asked:
        qtbot.keyClick(row.slider, Qt.Key.Key_Left)
    assert asked.args == ["dkd.nckd", pytest.approx(7.13)]
    screen.receive(events.WeightMoved(stage="distilling", step=60, epoch=3, clock=7.0, term="dkd.nckd", before=8.0, after=7.13))
    card.redraw()
    assert card in screen.board.cards and row.weight == 7.13
    assert list(card.table())[1:] == [("dkd.nckd", "distilling", 60, 3, 8.0, 7.13)]
    term = next(t for t in screen.history.plan["terms"] if t["name"] == "dkd.nckd")
    assert row.slider.accessibleName() == f"Weight of {term['title']}"  # called alike in the plots, here, and in the log
    assert screen.history.log[-1].text.startswith(f"The weight of {term['title']} was moved from 8 to 7.13.")
    assert "left out of paired comparison" in screen.history.log[-1].text
    losses = screen.board.cards[0]
    losses.redraw()
    assert len(losses.canvas.strokes.marks) == 1  # type: ignore[attr-defined]


def test_a_weight_goes_down_to_nothing_and_up_from_nothing(screen: RunScreen, qtbot: QtBot, tmp_path: Path) -> None:
    play(screen, record(tmp_path, shorter(TAUGHT, 0.5))[1])
    assert screen.panels is not None
    row = screen.panels.weights._rows["dkd.tckd"]
    with qtbot.waitSignal(screen.weight_requested) as asked:
        qtbot.keyClick(row.slider, Qt.Key.Key_Home)
    assert asked.args == ["dkd.tckd", 0.0]
    row.show(0.0)
    with qtbot.waitSignal(screen.weight_requested) as asked:
        qtbot.keyClick(row.slider, Qt.Key.Key_End)
    assert asked.args == ["dkd.tckd", 100.0]


def test_weights_of_a_stored_run_are_shown_and_not_moved(screen: RunScreen, tmp_path: Path) -> None:
    folder, _ = record(tmp_path, TAUGHT)
    screen.show_run(folder.path)
    assert screen.panels is not None
    assert not any(row.slider.isEnabled() for row in screen.panels.weights._rows.values())


def test_the_trainer_gets_the_weight_that_was_asked_for(qtbot: QtBot, store: Store, tmp_path: Path) -> None:
    trainer = PatientTrainer()
    window = Window(store, tmp_path, trainer)  # type: ignore[arg-type]
    qtbot.addWidget(window)
    window.run.weight_requested.emit("dkd.nckd", 2.0)
    assert trainer.orders == [("move", "dkd.nckd", 2.0)]


# The machine


def test_the_machine_has_its_plots_once_it_is_measured(screen: RunScreen, tmp_path: Path) -> None:
    said = record(tmp_path, shorter(TAUGHT, 0.5))[1]
    where: dict[str, Any] = {"stage": "distilling", "epoch": 1}
    seen = {"machine/cpu": 71.0, "machine/memory": 40.0, "machine/gpu": 93.0, "machine/gpu_temperature": 61.0}
    play(screen, [*said, *(events.Measured(step=step, clock=9.0 + step, values=seen, **where) for step in (1, 2))])
    cards = {card.key: card for card in screen.board.cards}
    assert "power" not in cards
    cards["machine"].redraw()
    cards["temperature"].redraw()
    shown = {e.mark.name: e._value for e in cards["machine"].legend.entries.values()}  # type: ignore[attr-defined]
    assert shown == {"CPU": "71.0", "GPU": "93.0", "memory": "40.0"}
    assert list(cards["temperature"].legend.entries) == ["machine/gpu_temperature"]  # type: ignore[attr-defined]


# A word at the end


class Tray:
    """What was said through the system's tray."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, there: bool = True) -> None:
        self.said: list[tuple[Any, ...]] = []
        self.alerted: list[Any] = []
        monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: there)
        monkeypatch.setattr(QSystemTrayIcon, "supportsMessages", lambda: there)
        monkeypatch.setattr(QSystemTrayIcon, "showMessage", lambda icon, *words: self.said.append(words))
        monkeypatch.setattr(QSystemTrayIcon, "show", lambda icon: None)
        monkeypatch.setattr(QApplication, "alert", self.alerted.append)


def test_the_end_of_a_run_is_told_to_a_person_who_looks_elsewhere(
    screen: RunScreen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tray = Tray(monkeypatch)
    monkeypatch.setattr(QApplication, "activeWindow", lambda: None)
    play(screen, record(tmp_path, TAUGHT)[1], "idle")
    (title, words, *_), *others = tray.said
    assert title == "ReffAKD on digits: done" and "97.22 %" in words and not others
    assert tray.alerted == [screen.window()]


def test_without_a_tray_the_window_asks_for_attention(
    screen: RunScreen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tray = Tray(monkeypatch, there=False)
    monkeypatch.setattr(QApplication, "activeWindow", lambda: None)
    play(screen, record(tmp_path, shorter(TAUGHT, 0.5, "failed"))[1], "idle")
    assert (tray.said, tray.alerted) == ([], [screen.window()])


def test_a_person_who_is_looking_is_not_told(screen: RunScreen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tray = Tray(monkeypatch)
    monkeypatch.setattr(QApplication, "activeWindow", lambda: screen)
    play(screen, record(tmp_path, TAUGHT)[1], "idle")
    screen.show_run(record(tmp_path / "stored", TAUGHT)[0].path)
    assert (tray.said, tray.alerted) == ([], [])
