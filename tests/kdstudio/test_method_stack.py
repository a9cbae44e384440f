"""The stack of methods is reordered by dragging, and by key; each row says what it adds to the loss."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from kdstudio.screens.setup.method_stack import MethodsCard, Row
from kdstudio.store import Store


@pytest.fixture
def card(store: Store, qtbot: QtBot) -> MethodsCard:
    for key in ("kd", "dist"):
        store.add_method(key)
    made = MethodsCard(store)
    qtbot.addWidget(made)
    store.problems_changed.connect(made.refresh)
    made.refresh()
    made.resize(300, 400)
    made.show()
    return made


def row(card: MethodsCard, key: str) -> Row:
    return next(row for row in card.stack.rows if row.key == key)


def drag(card: MethodsCard, key: str, onto: str, below: bool) -> None:
    """Take a row by its grip and hold it over the upper or the lower half of another."""
    grip, other = row(card, key).grip, row(card, onto)
    y = other.height() - 2 if below else 2
    QTest.mousePress(grip, Qt.MouseButton.LeftButton)
    QTest.mouseMove(grip, grip.mapFromGlobal(other.mapToGlobal(QPoint(4, y))))


def test_a_method_is_dragged_to_the_top(card: MethodsCard, store: Store, qtbot: QtBot) -> None:
    drag(card, "dist", "dkd", below=False)
    QTest.mouseRelease(row(card, "dist").grip, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: store.stack() == ("dist", "dkd", "kd"))
    store.undo()
    assert store.stack() == ("dkd", "kd", "dist")


def test_a_method_is_dragged_to_the_end(card: MethodsCard, store: Store, qtbot: QtBot) -> None:
    drag(card, "dkd", "dist", below=True)
    QTest.mouseRelease(row(card, "dkd").grip, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: store.stack() == ("kd", "dist", "dkd"))


def test_escape_gives_a_drag_up(card: MethodsCard, store: Store, qtbot: QtBot) -> None:
    drag(card, "dist", "dkd", below=False)
    qtbot.keyClick(row(card, "dist").grip, Qt.Key.Key_Escape)
    QTest.mouseRelease(row(card, "dist").grip, Qt.MouseButton.LeftButton)
    qtbot.wait(20)  # what a drop would do comes after the event
    assert store.stack() == ("dkd", "kd", "dist")


def test_the_arrow_keys_move_a_method_and_stay_with_it(card: MethodsCard, store: Store, qtbot: QtBot) -> None:
    grip = row(card, "dkd").grip
    grip.setFocus()
    qtbot.keyClick(grip, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: store.stack() == ("kd", "dkd", "dist"))
    qtbot.keyClick(row(card, "dkd").grip, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: store.stack() == ("kd", "dist", "dkd"))


def test_a_row_says_what_its_method_adds_to_the_loss(card: MethodsCard, store: Store) -> None:
    store.set_value("methods.dkd.beta", 3.5)
    assert row(card, "dkd").adds.text() == "target class × 1 · other classes × 3.5"


def test_one_method_alone_has_nothing_to_be_moved_by(card: MethodsCard, store: Store, qtbot: QtBot) -> None:
    store.open_preset("experiments/digits-dkd")
    assert not row(card, "dkd").grip.isVisible() and not row(card, "dkd").up.isVisible()
