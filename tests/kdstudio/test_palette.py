"""The palette: everything is found by a few letters, and done by Return."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from patient import PatientTrainer
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from recorded import Recipe, record

from kdstudio import theme
from kdstudio.help.palette.hits import Hit, best, fit
from kdstudio.store import Store
from kdstudio.window import Window


def hit(words: str, group: str = "Action", **more: str) -> Hit:
    return Hit(group, words, lambda: None, **more)


def words(typed: str, *hits: Hit) -> list[str]:
    return [found.words for found in best(typed, hits, 10)]


def test_the_beginning_of_a_word_fits_better_than_its_middle_and_that_better_than_letters_apart() -> None:
    assert fit("temp", "temp") > fit("temp", "temperature") > fit("temp", "label temperature") > fit("temp", "attempts")
    assert fit("temp", "attempts") > fit("temp", "teachers and models picked") > 0
    assert fit("xyz", "temperature") == 0


def test_letters_in_order_must_begin_at_a_word_and_stand_close() -> None:
    assert fit("lr", "learning rate") > 0
    assert fit("rg", "learning") == 0
    assert fit("lx", f"l{'o' * 40}x") == 0


def test_every_typed_word_must_fit_somewhere_in_any_order() -> None:
    rate, epochs = hit("Training: learning rate"), hit("Training: epochs", also="training.epochs How long")
    assert words("rate train", rate, epochs) == ["Training: learning rate"]
    assert words("how long", rate, epochs) == ["Training: epochs"]
    assert words("setting rate", rate, epochs) == []


def test_what_stands_in_the_words_comes_before_what_only_stands_in_the_help() -> None:
    assert words("seed", hit("Runs", also="by seed"), hit("Run: seed")) == ["Run: seed", "Runs"]


def test_nothing_typed_shows_the_first_as_they_come() -> None:
    assert words("", hit("one"), hit("two")) == ["one", "two"]


@pytest.fixture
def window(store: Store, qtbot: QtBot, tmp_path: Path) -> Iterator[Window]:
    record(tmp_path, Recipe(until=0.2, epochs=3, title="A remarkable run"))
    made = Window(store, tmp_path, PatientTrainer())  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.show()
    qtbot.waitActive(made).__enter__()
    yield made
    made.guide.wait()
    if "runs" in made.built():
        made.runs.wait()


def ask(window: Window, qtbot: QtBot, typed: str) -> str:
    """Open by the keyboard, type, and press Return; what was chosen."""
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = window.guide.palette
    assert palette.isVisible()
    palette.wait()
    qtbot.waitUntil(lambda: any(found.group == "Preset" for found in palette._far))
    qtbot.keyClicks(palette.search, typed)
    chosen = palette.model.hits[palette.list.currentIndex().row()].words
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert not palette.isVisible()
    return chosen


def test_a_screen_is_gone_to(window: Window, qtbot: QtBot) -> None:
    assert ask(window, qtbot, "runs") == "Runs"
    qtbot.waitUntil(lambda: window.runs.isVisible())


def test_a_setting_gets_the_keyboard(window: Window, qtbot: QtBot) -> None:
    window.show_runs()
    assert ask(window, qtbot, "training epochs") == "Training: epochs"
    cell = window.setup.fixed["training"].reveal("training.epochs")
    assert cell is not None
    qtbot.waitUntil(lambda: window.setup.isVisible() and cell.editor.hasFocus())


def test_a_setting_of_a_method_outside_the_stack_adds_the_method(window: Window, qtbot: QtBot) -> None:
    assert ask(window, qtbot, "faqd projections").startswith("FAQD")
    qtbot.waitUntil(lambda: "faqd" in window.store.stack())


def test_a_preset_is_opened(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, "experiments/digits-label-smoothing")
    qtbot.waitUntil(lambda: window.store.base().name == "experiments/digits-label-smoothing")


def test_a_run_is_opened(window: Window, qtbot: QtBot) -> None:
    assert ask(window, qtbot, "remarkable") == "A remarkable run"
    qtbot.waitUntil(lambda: window.past.isVisible())


def test_an_action_is_done_on_its_screen(window: Window, qtbot: QtBot) -> None:
    window.store.set_value("training.epochs", 3)
    window.show_runs()
    assert ask(window, qtbot, "undo every") == "Undo every change"
    qtbot.waitUntil(lambda: not window.store.edited())
    assert window.setup.isVisible()


def test_an_action_that_cannot_be_done_now_is_not_offered(window: Window, qtbot: QtBot) -> None:
    window.guide.search()
    assert not window.store.edited()
    assert "Undo every change" not in [found.words for found in window.guide.palette._near]


def test_the_theme_is_chosen(window: Window, qtbot: QtBot) -> None:
    assert ask(window, qtbot, "theme dark") == "Theme: dark"
    qtbot.waitUntil(lambda: theme.mode() == "dark")


def test_arrows_move_the_choice_and_escape_leaves_everything_as_it_was(window: Window, qtbot: QtBot) -> None:
    window.guide.search()
    palette = window.guide.palette
    qtbot.keyClick(palette.search, Qt.Key.Key_Down)
    qtbot.keyClick(palette.search, Qt.Key.Key_Down)
    qtbot.keyClick(palette.search, Qt.Key.Key_Up)
    assert palette.list.currentIndex().row() == 1
    qtbot.keyClick(palette.search, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert window.setup.isVisible()


def test_what_fits_nothing_says_so(window: Window, qtbot: QtBot) -> None:
    window.guide.search()
    palette = window.guide.palette
    qtbot.keyClicks(palette.search, "qqqq zzzz")
    assert palette.nothing.isVisible()
    assert not palette.list.isVisible()
