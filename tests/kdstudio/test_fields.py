"""Fields: one for each kind, honest about what cannot be read, deaf to a wheel that passes over them."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from engine.knobs import Kind, Spec
from kdstudio import fields
from kdstudio.number_fields import NumberField, WordedField, number, spelled, step

NUMBER = Spec("rate", "number", 0.1, "A rate.", above=0.0, high=10.0, unit="per step")
LOG = Spec("rate", "number", 0.1, "A rate.", scale="log")
WHOLE = Spec("epochs", "integer", 30, "Epochs.", low=1, high=1000)


@pytest.fixture
def shown(qtbot: QtBot, dressed: QApplication) -> Any:
    def show(widget: QWidget) -> Any:
        qtbot.addWidget(widget)
        widget.show()
        return widget

    return show


def wheel(widget: QWidget) -> QWheelEvent:
    at = QPointF(widget.rect().center())
    event = QWheelEvent(
        at, QPointF(widget.mapToGlobal(at.toPoint())), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)
    return event


def test_every_kind_of_setting_has_a_field() -> None:
    assert set(fields.KINDS) == set(get_args(Kind))


@pytest.mark.parametrize(
    ("text", "means"),
    [("5e-4", 0.0005), ("3", 3), ("0,5", 0.5), (" 2 ", 2), ("1,000.5", "1,000.5"), ("ten", "ten"), ("", "")],
)
def test_a_text_is_read_as_a_number_where_it_is_one(text: str, means: Any) -> None:
    assert number(text, NUMBER) == means


def test_an_empty_field_is_nothing_only_where_nothing_is_allowed() -> None:
    assert number("", Spec("weight", "number", None, "A weight.")) is None
    assert number("", WHOLE) == ""


def test_a_fraction_is_no_whole_number() -> None:
    assert number("2.5", WHOLE) == "2.5"


@pytest.mark.parametrize(("value", "text"), [(0.00005, "5e-05"), (0.1, "0.1"), (40, "40"), (None, ""), ("auto", "auto")])
def test_numbers_are_spelled_as_people_write_them(value: Any, text: str) -> None:
    assert spelled(value) == text


@pytest.mark.parametrize(
    ("spec", "value", "steps", "then"),
    [
        (WHOLE, 30, 1, 31), (WHOLE, 100, -1, 90), (WHOLE, 1, -1, 1), (WHOLE, 1000, 1, 1000),
        (NUMBER, 4.0, 1, 4.5), (NUMBER, 10.0, 1, 10.0),
        (LOG, 0.1, 1, 0.2), (LOG, 0.1, -1, 0.05), (LOG, 0.03, 1, 0.05), (Spec("x", "number", 0.0, "", low=0.0), 0.0, 1, 0.05),
        (Spec("x", "number", 0.1, "", above=0.0), 0.05, -10, 0.05),
    ],
)  # fmt: skip
def test_stepping_follows_the_scale_and_stays_within_the_bounds(spec: Spec, value: float, steps: int, then: float) -> None:
    assert step(spec, value, steps) == pytest.approx(then)


def test_typing_hands_on_what_cannot_be_read(shown: Any, qtbot: QtBot) -> None:
    field = shown(NumberField(NUMBER))
    heard: list[Any] = []
    field.edited.connect(heard.append)
    qtbot.keyClicks(field.lineEdit(), "1x")
    assert heard == [1, "1x"]


def test_showing_a_value_says_nothing_and_leaves_the_cursor_while_it_is_the_same(shown: Any, qtbot: QtBot) -> None:
    field = shown(NumberField(NUMBER))
    heard: list[Any] = []
    field.edited.connect(heard.append)
    field.show_value(0.5)
    field.lineEdit().setText("0.50")
    field.show_value(0.5)
    assert (field.lineEdit().text(), heard) == ("0.50", [])


def test_a_wheel_changes_no_field_without_the_focus(shown: Any) -> None:
    for spec in (NUMBER, WHOLE, Spec("way", "choice", "a", "", choices=("a", "b"))):
        field = shown(fields.field(spec))
        field.show_value(spec.default)
        field.clearFocus()
        heard: list[Any] = []
        field.edited.connect(heard.append)
        assert not wheel(field).isAccepted()
        assert heard == []


def test_a_wheel_never_changes_a_choice(shown: Any) -> None:
    field = shown(fields.ChoiceField({"a": "A", "b": "B"}))
    field.setFocus()
    wheel(field)
    assert field.currentData() == "a"


def test_a_choice_that_is_no_longer_among_them_is_shown_all_the_same(shown: Any) -> None:
    field = shown(fields.ChoiceField({"a": "A"}))
    field.show_value("gone")
    assert field.currentText() == "gone"


def test_a_word_is_a_button_beside_the_number(shown: Any, qtbot: QtBot) -> None:
    field = shown(WordedField(Spec("size", "integer", "auto", "Side.", low=4, words=("auto",))))
    heard: list[Any] = []
    field.edited.connect(heard.append)
    field.show_value("auto")
    field.number.lineEdit().selectAll()
    qtbot.keyClicks(field.number.lineEdit(), "8")
    assert not field.words["auto"].isChecked()
    field.words["auto"].click()
    assert heard == [8, "auto"]
    assert field.number.lineEdit().text() == "auto"


def test_a_switch_is_thrown_by_click_and_by_space(shown: Any, qtbot: QtBot) -> None:
    field = shown(fields.SwitchField())
    heard: list[Any] = []
    field.edited.connect(heard.append)
    field.click()
    qtbot.keyClick(field, Qt.Key.Key_Space)
    assert heard == [True, False]


def test_a_list_of_whole_numbers_is_typed_with_commas(shown: Any, qtbot: QtBot) -> None:
    field = shown(fields.field(Spec("milestones", "integers", [], "Epochs.")))
    heard: list[Any] = []
    field.edited.connect(heard.append)
    field.show_value([150, 180])
    assert field.text() == "150, 180"
    qtbot.keyClicks(field, ", 2")
    assert heard[-1] == [150, 180, 2]
    qtbot.keyClicks(field, "x")
    assert heard[-1] == "150, 180, 2x"


def test_a_folder_can_be_dropped_onto_its_field(shown: Any, tmp_path: Any) -> None:
    field = shown(fields.field(Spec("root", "path", "", "Folder.", title="folder")))
    heard: list[Any] = []
    field.edited.connect(heard.append)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path))])
    event = QDropEvent(QPointF(4, 4), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    field.dropEvent(event)
    assert heard == [str(tmp_path)]
    assert field.text.text() == str(tmp_path)
