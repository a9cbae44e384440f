"""Help: F1 on the thing in focus, the list of shortcuts, the tour, About."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from patient import PatientTrainer
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from kdstudio import commands
from kdstudio.help import sheet as helping
from kdstudio.help import shortcuts, topics
from kdstudio.help.about import AboutSheet
from kdstudio.help.guide import SEEN
from kdstudio.help.tour import STOPS
from kdstudio.store import Store
from kdstudio.widgets.asking import Sheet
from kdstudio.window import Window


@pytest.fixture
def window(store: Store, qtbot: QtBot, tmp_path: Path) -> Iterator[Window]:
    made = Window(store, tmp_path, PatientTrainer())  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    qtbot.waitActive(made).__enter__()
    yield made
    if "runs" in made.built():
        made.runs.wait()


def press(window: Window, qtbot: QtBot, keys: str) -> None:
    """A shortcut of the window."""
    qtbot.keySequence(window, QKeySequence(keys))


def helped(window: Window, qtbot: QtBot, on: QWidget) -> topics.Topic:
    on.setFocus()
    press(window, qtbot, "F1")
    (sheet,) = [s for s in window.findChildren(helping.HelpSheet) if s.isVisible()]
    assert window.frameGeometry().contains(sheet.frameGeometry())
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    return sheet.topic


def test_f1_on_a_setting_says_what_its_specification_says(window: Window, qtbot: QtBot) -> None:
    cell = window.setup.fixed["training"].reveal("training.epochs")
    assert cell is not None
    topic = helped(window, qtbot, cell.editor)
    assert topic.title == "Epochs"
    assert topic.words == cell.spec.help
    facts = dict(topic.facts)
    assert facts["In a preset"] == "training.epochs"
    assert facts["Bounds"].startswith("At least 1")
    assert "set by" in facts["Now"]


def test_f1_on_a_method_names_its_paper_and_where_to_read_it(window: Window, qtbot: QtBot) -> None:
    topic = helped(window, qtbot, window.setup.methods["dkd"].fold)
    assert topic.title == window.store.catalogue.methods["dkd"].title
    assert topic.link == "https://arxiv.org/abs/2203.08679"


def test_f1_on_a_button_says_what_its_tooltip_says(window: Window, qtbot: QtBot) -> None:
    topic = helped(window, qtbot, window.setup.header.more)
    assert topic.words == window.setup.header.more.toolTip()


def test_f1_where_nothing_is_known_tells_of_the_screen_and_its_keys(window: Window, qtbot: QtBot) -> None:
    topic = helped(window, qtbot, window.setup.area)
    assert topic.title == "Set up"
    assert topic.words.startswith(window.entry().help)


def test_every_screen_says_what_it_is_for(window: Window) -> None:
    from kdstudio.entries import ENTRIES

    assert [entry.key for entry in ENTRIES if len(entry.help) < 40] == []


def test_the_list_of_shortcuts_is_what_the_widgets_offer(window: Window, qtbot: QtBot) -> None:
    press(window, qtbot, "Ctrl+/")
    (sheet,) = [s for s in window.findChildren(shortcuts.ShortcutSheet) if s.isVisible()]
    listed = {key for rows in sheet.listed.values() for key, _ in rows}
    assert listed == {command.keys() for command in commands.found(window) if command.keys()}
    assert ("Ctrl+K", "Search everything") in sheet.listed["Everywhere"]
    assert ("Ctrl+S", "Save") in sheet.listed["Set up"]
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)


def test_no_two_actions_of_a_screen_share_their_keys(window: Window) -> None:
    shortcuts.listed(window)  # makes every screen
    seen: dict[tuple[str, str], set[str]] = {}
    for command in commands.found(window):
        if command.keys():
            seen.setdefault((window.page_of(command.owner), command.keys()), set()).add(command.text())
    for (screen, keys), words in seen.items():
        assert len(words | (seen.get(("", keys), set()) if screen else set())) == 1, keys


def test_shortcuts_are_offered_as_commands_and_in_no_other_way() -> None:
    sources = sorted((Path(__file__).resolve().parents[2] / "kdstudio").rglob("*.py"))
    other = re.compile(r"QShortcut\(|\.setShortcut\((?!command\.shortcut\(\))")  # a menu may repeat those of a command
    assert [path.name for path in sources if other.search(path.read_text(encoding="utf-8"))] == ["commands.py"]


def test_the_menu_of_help_offers_all_of_it(window: Window, qtbot: QtBot) -> None:
    qtbot.mouseClick(window.rail.help, Qt.MouseButton.LeftButton)
    (menu,) = [m for m in window.findChildren(QMenu) if m.isVisible()]
    assert [action.text().partition("\t")[0] for action in menu.actions()] == [c.text() for c in window.guide.menu]
    menu.close()


def test_about_names_versions_and_device_as_the_doctor_finds_them(window: Window, qtbot: QtBot) -> None:
    window.guide.about()
    (sheet,) = window.findChildren(AboutSheet)
    assert {"Python", "Qt"} <= {name for name, _ in sheet.lines}
    qtbot.waitUntil(lambda: not sheet._child.busy, timeout=60_000)  # a child that loads torch
    said = dict(sheet.lines)
    assert {"torch", "device", "precision", "runs"} <= set(said)
    sheet.buttons["Copy"].click()
    assert f"torch {said['torch']}" in QGuiApplication.clipboard().text()
    sheet.buttons["Close"].click()


def test_about_closes_at_once_while_the_machine_is_still_looked_at(window: Window, qtbot: QtBot) -> None:
    window.guide.about()
    (sheet,) = window.findChildren(AboutSheet)
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet._child.busy


def test_the_tour_comes_by_itself_once(window: Window, qtbot: QtBot) -> None:
    QSettings().remove(SEEN)
    window.guide.welcome()
    qtbot.waitUntil(lambda: window.guide.tour is not None)
    assert window.guide.tour is not None
    qtbot.keyClick(window.guide.tour.next, Qt.Key.Key_Escape)
    assert window.guide.tour is None
    window.guide.welcome()
    qtbot.wait(10)
    assert window.guide.tour is None


@pytest.mark.parametrize("size", [(1024, 700), (1280, 800)])
def test_the_tour_goes_by_keys_from_place_to_place(window: Window, qtbot: QtBot, size: tuple[int, int]) -> None:
    window.resize(*size)
    window.guide.take_tour()
    tour = window.guide.tour
    assert tour is not None
    for at, stop in enumerate(STOPS):
        qtbot.waitUntil(lambda: tour.bubble.height() > 0)
        qtbot.wait(1)
        assert (tour.at, tour.heading.text()) == (at, stop.heading)
        assert tour.rect().contains(tour.bubble.geometry())
        assert tour.spot().isValid()
        assert tour.next.hasFocus()
        qtbot.keyClick(tour.next, Qt.Key.Key_Tab)
        assert tour.isAncestorOf(window.focusWidget())
        tour.next.setFocus()
        qtbot.keyClick(tour.next, Qt.Key.Key_Right)
    assert window.guide.tour is None


def test_the_tour_goes_back_and_can_be_skipped(window: Window, qtbot: QtBot) -> None:
    window.guide.take_tour()
    tour = window.guide.tour
    assert tour is not None
    tour.next.click()
    tour.back.click()
    assert tour.at == 0
    assert not tour.back.isEnabled()
    tour.skip.click()
    assert window.guide.tour is None


def test_no_sheet_of_help_is_taller_than_the_smallest_window(window: Window, qtbot: QtBot) -> None:
    window.resize(1024, 700)
    for open_ in (window.guide.shortcuts, window.guide.about):
        open_()
        (sheet,) = [s for s in window.findChildren(Sheet) if s.isVisible()]
        assert sheet.height() <= 700
        sheet.close()
        qtbot.waitUntil(lambda: not [s for s in window.findChildren(Sheet) if s.isVisible()])
