"""The menu of a field: sweep, back, default, and the setting as text."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from kdstudio.screens.setup import SetupScreen
from kdstudio.store import Store


@pytest.fixture
def screen(store: Store, qtbot: QtBot) -> SetupScreen:
    made = SetupScreen(store)
    qtbot.addWidget(made)
    made.show()
    return made


def menu_at(widget: QWidget) -> QMenu:
    """The menu that opens at a widget, as Qt asks for it."""
    at = QPoint(2, 2)
    QApplication.sendEvent(widget, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, at, widget.mapToGlobal(at)))
    found = [menu for menu in widget.findChildren(QMenu) if menu.isVisible()]
    assert len(found) == 1
    return found[0]


def choose(menu: QMenu, words: str) -> None:
    action = next(action for action in menu.actions() if action.text().startswith(words))
    menu.close()
    action.trigger()


def editor(screen: SetupScreen, name: str) -> QWidget:
    cell = screen.fixed["training"].reveal(f"training.{name}")
    assert cell is not None
    return cell.editor


def test_a_sweep_is_asked_for_at_a_field(screen: SetupScreen, qtbot: QtBot) -> None:
    with qtbot.waitSignal(screen.sweep_requested) as heard:
        choose(menu_at(editor(screen, "learning_rate").lineEdit()), "Sweep learning rate")  # type: ignore[attr-defined]
    assert heard.args == ["training.learning_rate"]


def test_a_sweep_is_asked_for_at_a_card_and_at_a_method(screen: SetupScreen, qtbot: QtBot) -> None:
    with qtbot.waitSignal(screen.sweep_requested) as heard:
        choose(menu_at(screen.cards[2].editor), "Sweep")  # type: ignore[attr-defined]
    assert heard.args == ["student.net"]
    cell = screen.methods["dkd"].reveal("methods.dkd.beta")
    assert cell is not None
    with qtbot.waitSignal(screen.sweep_requested) as heard:
        choose(menu_at(cell), "Sweep")
    assert heard.args == ["methods.dkd.beta"]


def test_a_value_goes_back_to_the_presets_and_to_the_default(screen: SetupScreen) -> None:
    store, field = screen.store, editor(screen, "epochs")
    preset = store.value("training.epochs")
    store.set_value("training.epochs", 7)
    choose(menu_at(field), f"Back to the preset's value, {preset}")
    assert store.value("training.epochs") == preset
    store.set_value("training.epochs", 7)
    choose(menu_at(field), "Set to the default, 30")
    assert store.value("training.epochs") == 30


def test_back_is_offered_only_where_something_was_changed(screen: SetupScreen) -> None:
    menu = menu_at(editor(screen, "epochs"))
    assert not next(a for a in menu.actions() if a.text().startswith("Back")).isEnabled()
    menu.close()


def test_a_setting_is_copied_as_an_option_of_the_terminal(screen: SetupScreen) -> None:
    screen.store.set_value("training.epochs", 7)
    choose(menu_at(editor(screen, "epochs")), "Copy as an option")
    assert QGuiApplication.clipboard().text() == "--set training.epochs=7"


def test_a_text_keeps_what_its_menu_had(screen: SetupScreen) -> None:
    menu = menu_at(editor(screen, "epochs").lineEdit())  # type: ignore[attr-defined]
    assert "Select all" in [action.text() for action in menu.actions()]
    menu.close()


def test_every_overlay_that_speaks_of_a_setting_is_named_with_its_value(screen: SetupScreen) -> None:
    screen.store.set_value("training.epochs", 7)
    menu = menu_at(editor(screen, "epochs"))
    inner = next(action.menu() for action in menu.actions() if action.text() == "Who says what")
    said = [action.text() for action in inner.actions()]  # type: ignore[attr-defined]
    assert (said[0], said[-1]) == ("default: 30", "you: 7")
    assert any(words.startswith(("experiments/", "datasets/")) for words in said[1:-1])
    menu.close()
    inner.actions()[0].trigger()  # type: ignore[attr-defined]
    assert screen.store.value("training.epochs") == 30
