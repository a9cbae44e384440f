"""The Run screen over recorded runs: live, replayed, empty, failed, stopped, resumed."""

from __future__ import annotations

from pathlib import Path
from time import thread_time
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot
from recorded import Recipe, record, shorter
from shown import run_screen

from engine import events
from engine.runs import RunError
from kdstudio import theme
from kdstudio.charts.board import Board
from kdstudio.charts.card import Card
from kdstudio.charts.redraw import Redraw
from kdstudio.screens.run import RunScreen

SMALL = Recipe(epochs=6)
TAUGHT = Recipe(epochs=6, teacher=True)


@pytest.fixture
def screen(qtbot: QtBot) -> RunScreen:
    return run_screen(qtbot)


def play(screen: RunScreen, said: list[events.Event]) -> None:
    screen.set_state("starting")
    for event in said:
        screen.receive(event)


def titles(screen: RunScreen) -> list[str]:
    screen.redraw.finish()
    return [card.title for card in screen.board.cards]


def words(widget: Any) -> str:
    """What can be read on a widget, once Qt has shown what was added to it."""
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def test_before_anything_ran_the_screen_says_what_to_do(screen: RunScreen, qtbot: QtBot) -> None:
    assert "Nothing runs yet" in words(screen._pages.currentWidget())
    with qtbot.waitSignal(screen.setup_requested):
        screen._pages.currentWidget().findChild(QPushButton).click()


def test_a_live_run_gets_a_card_for_everything_it_declares(screen: RunScreen, tmp_path: Path) -> None:
    play(screen, record(tmp_path, shorter(SMALL, 0.6))[1])
    screen.set_state("running")
    assert titles(screen)[:13] == [
        "Losses", "Accuracy", "Findings", "Soft labels", "Confusion", "Samples", "Classes", "Reconstructions", "Evidence",
        "Explained", "Try it", "Learning rate", "Speed",
    ]  # fmt: skip
    assert {"Entropy of soft labels", "Calibration error", "Share of the gradient"} <= set(titles(screen))
    assert "Agreement with the teacher" not in titles(screen)


def test_a_run_with_a_teacher_is_measured_against_it(screen: RunScreen, tmp_path: Path) -> None:
    play(screen, record(tmp_path, TAUGHT)[1])
    assert {"Agreement with the teacher", "Affinity error per stage", "Likeness of features per stage"} <= set(titles(screen))


def test_a_replay_shows_what_the_live_run_showed(screen: RunScreen, qtbot: QtBot, tmp_path: Path) -> None:
    folder, said = record(tmp_path, SMALL)
    play(screen, said)
    screen.set_state("idle")
    live, log = titles(screen), [line.text for line in screen.history.log]
    screen.show_run(folder.path)
    assert sorted(titles(screen)) == sorted(live)
    assert [line.text for line in screen.history.log] == log


def test_cards_in_sight_are_drawn_and_the_others_wait(screen: RunScreen, qtbot: QtBot, tmp_path: Path) -> None:
    folder, _ = record(tmp_path, SMALL)
    screen.show_run(folder.path)
    first, last = screen.board.cards[0], screen.board.cards[-1]
    qtbot.waitUntil(lambda: first not in screen.redraw._changed, timeout=4000)
    assert last in screen.redraw._changed
    screen.board.ensureWidgetVisible(last)
    qtbot.waitUntil(lambda: last not in screen.redraw._changed, timeout=4000)


class Counted(Card):
    """A card that counts its redraws, each of which takes so many milliseconds."""

    def __init__(self, milliseconds: float = 0.0) -> None:
        super().__init__("counted")
        self.times, self._seconds = 0, milliseconds / 1000

    def redraw(self) -> None:
        self.times += 1
        end = thread_time() + self._seconds
        while thread_time() < end:
            pass


def test_a_card_is_redrawn_at_most_four_times_a_second_and_never_out_of_sight(qtbot: QtBot) -> None:
    board = Board()
    qtbot.addWidget(board)
    board.resize(420, 300)
    queue = Redraw(board)
    seen, unseen = Counted(), Counted()
    for card in (seen, unseen):
        board.add(card)
    board.show()
    for _ in range(50):
        queue.mark(seen)
        queue.mark(unseen)
        qtbot.wait(20)
    assert 2 <= seen.times <= 5
    assert unseen.times == 0


def test_cards_that_come_into_sight_are_all_drawn_before_any_of_them_is_drawn_again(qtbot: QtBot) -> None:
    board = Board()
    qtbot.addWidget(board)
    board.resize(1200, 700)
    queue = Redraw(board)
    cards = [Counted(milliseconds=10) for _ in range(6)]  # each alone would make the next pass wait for its half second
    for card in cards:
        board.add(card)
    board.show()
    for card in cards:
        queue.mark(card)
    qtbot.waitUntil(lambda: all(card.times == 1 for card in cards), timeout=1500)


def test_when_a_live_run_is_over_whatever_comes_into_sight_is_drawn_at_once(screen: RunScreen, tmp_path: Path) -> None:
    play(screen, record(tmp_path, shorter(SMALL, 0.5))[1])
    assert not screen.redraw.at_once
    play(screen, record(tmp_path, SMALL)[1])
    assert screen.redraw.at_once


def test_the_levers_follow_the_trainer(screen: RunScreen, qtbot: QtBot, tmp_path: Path) -> None:
    play(screen, record(tmp_path, shorter(SMALL, 0.5))[1])
    header = screen.header
    assert (header.pause.isEnabled(), header.stop.isEnabled()) == (False, True)
    screen.set_state("running")
    with qtbot.waitSignal(screen.pause_requested):
        qtbot.mouseClick(header.pause, Qt.MouseButton.LeftButton)
    place = header.stop.x()
    screen.set_state("paused")
    assert header.pause.text() == "Resume"
    assert header.stop.x() == place
    with qtbot.waitSignal(screen.resume_requested):
        qtbot.mouseClick(header.pause, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(screen.stop_requested):
        qtbot.mouseClick(header.stop, Qt.MouseButton.LeftButton)
    assert not header.stop.isEnabled()
    screen.set_state("idle")
    assert not header.pause.isVisible()


def test_after_the_last_step_the_header_says_that_the_stage_is_being_finished(screen: RunScreen, tmp_path: Path) -> None:
    play(screen, record(tmp_path, shorter(SMALL, 0.5))[1])
    stage = screen.history.current()
    assert stage is not None
    screen.receive(events.Step(clock=screen.history.clock + 1, stage=stage.name, step=stage.steps, steps=stage.steps, epoch=6,
                               values={}))  # fmt: skip
    screen.set_state("running")
    screen._refresh_words()
    assert screen.header.left.text().endswith("elapsed · finishing")


def test_the_header_tells_epoch_and_time_left(screen: RunScreen, tmp_path: Path) -> None:
    play(screen, record(tmp_path, shorter(SMALL, 0.5))[1])
    screen.set_state("running")
    screen._refresh_words()
    assert screen.header.progress.text() == "epoch 3 / 6"
    assert screen.header.left.text().endswith("00:02 left")
    assert screen.progress.share() == pytest.approx(0.476, abs=0.06)


def test_a_finished_run_tells_what_came_out(screen: RunScreen, tmp_path: Path) -> None:
    folder, _ = record(tmp_path, TAUGHT)
    screen.show_run(folder.path)
    said = words(screen.results)
    for part in ("97.22 %", "96.94 %", "98.06 %", "78\u202f042", "chosen on held-out images"):
        assert part in said
    assert screen.results.student.isVisible()
    assert not screen.results.go_on.isVisible()


def test_a_failed_run_says_why_and_can_go_on(screen: RunScreen, qtbot: QtBot, tmp_path: Path) -> None:
    folder, _ = record(tmp_path, shorter(SMALL, 0.5, "failed"))
    screen.show_run(folder.path)
    assert "choose a smaller batch" in words(screen.results)
    with qtbot.waitSignal(screen.continue_requested) as asked:
        screen.results.go_on.click()
    assert asked.args == [folder.path]


def test_a_killed_run_is_shown_as_interrupted(screen: RunScreen, tmp_path: Path) -> None:
    folder, _ = record(tmp_path, shorter(SMALL, 0.5))
    screen.show_run(folder.path)
    assert screen.header.chip.text() == "interrupted"
    assert screen.results.go_on.isVisible()


def test_until_a_run_says_something_its_screen_says_what_is_being_started(screen: RunScreen, tmp_path: Path) -> None:
    screen.set_state("starting")
    screen.expect("DKD, quick")
    assert (screen.header.title.text(), screen.header.chip.text()) == ("DKD, quick", "starting")
    assert "torch has to be loaded" in screen.header.about.text()
    screen.receive(events.Refused(problems=({"path": "dataset.root", "sentence": "there is no folder x"},)))
    screen.set_state("idle")
    assert (screen.header.title.text(), screen.header.chip.text()) == ("DKD, quick", "refused")
    assert "torch" not in screen.header.about.text()


def test_a_refused_experiment_names_the_settings(screen: RunScreen) -> None:
    screen.set_state("starting")
    screen.receive(events.Refused(problems=({"path": "teacher.net", "sentence": "KD needs a teacher's logits."},)))
    screen.set_state("idle")
    assert "teacher.net: KD needs a teacher's logits." in words(screen.results)


def test_a_folder_that_is_no_run_is_refused_with_a_sentence(screen: RunScreen, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not the folder of a run"):
        screen.show_run(tmp_path)


def test_a_resumed_run_keeps_its_past_and_goes_on(screen: RunScreen, qtbot: QtBot, tmp_path: Path) -> None:
    folder, said = record(tmp_path, shorter(SMALL, 0.7, "stopped"))
    screen.set_state("starting")
    screen.go_on(folder.path)
    screen.receive(events.RunResumed(stage="distilling", step=42, epoch=2))
    more = [e for e in said if isinstance(e, events.Step) and e.stage == "distilling" and e.step > 42]
    for event in more:
        screen.receive(event)
    assert screen.history.curves["distilling", "loss"].x("step").tolist() == [10, 20, 30, 40, *(e.step for e in more)]
    assert screen.header.chip.text() == "running"
    assert not screen.results.isVisible()


def test_repeats_follow_each_other_and_end_in_a_mean(screen: RunScreen, tmp_path: Path) -> None:
    for seed in (0, 1):
        play(screen, record(tmp_path, Recipe(epochs=3, seed=seed, name=f"r-s{seed}"))[1])
    screen.receive(events.GroupEnded(group="g", runs=("a", "b"), means={"top1": 97.0}, deviations={"top1": 0.25}))
    assert "97.00 ± 0.25 %" in words(screen.results)
    assert "mean of 2 seeds" in words(screen.results)


def test_a_finding_tells_its_evidence_and_offers_its_fix(screen: RunScreen, qtbot: QtBot, tmp_path: Path) -> None:
    folder, _ = record(tmp_path, SMALL)
    screen.show_run(folder.path)
    assert screen.panels is not None
    card = screen.panels.findings
    card.redraw()
    assert "entropy / ln C 0.9991 · soft labels" in words(card)
    with qtbot.waitSignal(screen.fix_requested) as asked:
        next(b for b in card.findChildren(QPushButton) if "copy" in b.text()).click()
    assert asked.args == [{"methods.reffakd.label_temperature": 0.02}]


def test_a_card_can_fill_the_board_and_come_back(screen: RunScreen, qtbot: QtBot, tmp_path: Path) -> None:
    folder, _ = record(tmp_path, SMALL)
    screen.show_run(folder.path)
    card = screen.board.cards[1]
    small = card.size()
    card._grow.click()
    assert card.width() > 1000
    assert [c for c in screen.board.cards if c.isVisible()] == [card]
    qtbot.keyClick(screen.board, Qt.Key.Key_Escape)
    assert card.size() == small


def test_the_log_unfolds_and_follows(screen: RunScreen, tmp_path: Path) -> None:
    _, said = record(tmp_path, SMALL)
    play(screen, said)
    screen._refresh_words()
    assert screen.log.newest.toolTip() == said[-1].sentence  # type: ignore[attr-defined]
    screen.log.button.click()
    text = screen.log.text.toPlainText().splitlines()
    assert len(text) == len(screen.history.log)
    assert "Autoencoder began." in text[4]


def test_student_and_preset_are_taken_away(
    screen: RunScreen, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = record(tmp_path / "runs", SMALL)
    screen.show_run(folder.path)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (str(tmp_path / a[2]), ""))
    with qtbot.waitSignal(screen.student_file.said):
        screen.results.student.click()
    assert screen.results._told.text().startswith("Written: ")
    assert next(tmp_path.glob("*.safetensors")).read_bytes() == b"a student"
    screen.results.preset.click()
    assert "ReffAKD on digits" in next(tmp_path.glob("*.yaml")).read_text(encoding="utf-8")
    assert screen.results._told.text().endswith(".yaml")


def test_a_student_is_taken_away_as_the_ending_says_in_a_child_process(
    screen: RunScreen, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = record(tmp_path / "runs", SMALL)
    screen.show_run(folder.path)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (str(tmp_path / "mine"), "ONNX (*.onnx)"))
    said = list[tuple[str, str]]()
    screen.student_file.said.connect(lambda words, tone: said.append((words, tone)))
    screen.results.student.click()
    assert said == [("Writing mine.onnx, and running it once…", "")]
    qtbot.waitUntil(lambda: len(said) == 2, timeout=120_000)
    assert said[1][1] == "problem" and "cannot be read as safetensors" in said[1][0]  # what was recorded is no student
    assert screen.results._told.text() == said[1][0]
    screen.show_run(folder.path)
    assert screen.results._told.text() == ""


def test_a_chart_is_taken_away_by_its_menu(screen: RunScreen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = record(tmp_path / "runs", SMALL)
    screen.show_run(folder.path)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (str(tmp_path / a[2]), ""))
    for action in screen.board.cards[1].menu.actions():
        action.trigger()
    assert sorted(p.suffix for p in tmp_path.glob("*accuracy*")) == [".csv", ".png", ".svg"]


def test_the_theme_can_change_while_everything_is_shown(screen: RunScreen, qtbot: QtBot, tmp_path: Path) -> None:
    folder, _ = record(tmp_path, TAUGHT)
    screen.show_run(folder.path)
    qtbot.wait(300)
    theme.set_mode("dark")
    dark = screen.grab().toImage().pixelColor(5, 5).lightness()
    theme.set_mode("light")
    assert dark < 60 < screen.grab().toImage().pixelColor(5, 5).lightness()


def test_smoothing_and_axis_reach_every_plot(screen: RunScreen, qtbot: QtBot, tmp_path: Path) -> None:
    folder, _ = record(tmp_path, SMALL)
    screen.show_run(folder.path)
    losses = screen.board.cards[0]
    qtbot.waitUntil(lambda: losses not in screen.redraw._changed, timeout=4000)
    screen.lens.set_axis("step")
    qtbot.waitUntil(lambda: losses.canvas.box.viewRange()[0][1] > 100, timeout=4000)  # type: ignore[attr-defined]
    screen.lens.set_smoothing(0.5)
    assert losses in screen.redraw._changed
