"""Every screen in every state: names for who cannot see, the keyboard for who has no mouse, nothing cut where it is small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import screens
import surfaces
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollArea,
    QToolButton,
    QWidget,
)
from screens import SCENES, Scene
from surfaces import SURFACES, Surface

from kdstudio import theme
from kdstudio.widgets.asking import Sheet
from kdstudio.widgets.empty import EmptyState
from kdstudio.window import Window


@pytest.fixture
def opened(tmp_path: Path, dressed: QApplication) -> Iterator[Any]:
    made: list[Window] = []

    def open_(scene: Scene, size: tuple[int, int] = theme.LEAST) -> Window:
        made.append(screens.open_window(tmp_path, scene, size))
        return made[-1]

    yield open_
    for window in made:
        screens.close(window)


def named(widget: QWidget) -> str:
    """What a screen reader calls a widget."""
    interface = QAccessible.queryAccessibleInterface(widget)
    return (interface.text(QAccessible.Text.Name) if interface is not None else "").strip()


def controls(root: QWidget) -> list[QWidget]:
    """What can be reached with the keyboard or pressed, and is seen."""
    inner = (QAbstractSpinBox, QComboBox)  # what stands inside them speaks through them
    return [
        w
        for w in root.findChildren(QWidget)
        if w.isVisibleTo(root)
        and (w.focusPolicy() != Qt.FocusPolicy.NoFocus or isinstance(w, QAbstractButton))
        and w.focusProxy() is None
        and not isinstance(w.parent(), inner)
        and w.objectName() != "qt_toolbar_ext_button"
        and not (isinstance(w, QScrollArea) or w.objectName().startswith("qt_"))
    ]


def choices(widget: QWidget) -> list[QWidget]:
    """The buttons of which one is always chosen: Tab reaches one of them, the arrows the others."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    return list(group.buttons()) if group is not None and group.exclusive() else []


def described(widget: QWidget) -> str:
    around = []
    here: QWidget | None = widget
    while here is not None and not here.isWindow():
        around.append(type(here).__name__)
        here = here.parentWidget()
    return f"{' < '.join(around)} {widget.toolTip()!r} {getattr(widget, 'text', str)()!r}"


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_every_control_has_a_name(opened: Any, scene: Scene) -> None:
    window = opened(scene)
    nameless = [described(w) for w in controls(window) if not named(w)]
    assert nameless == []


def gone_through(root: QWidget, start: QWidget) -> list[QWidget]:
    """Where Tab comes to in a window, one after another, from `start` round to it again."""
    start.setFocus()
    reached: list[QWidget] = []
    for _ in range(len(root.findChildren(QWidget)) + 1):
        reached.append(root.focusWidget())
        root.focusNextPrevChild(True)
        if root.focusWidget() is start:
            return reached
    raise AssertionError(f"Tab never leaves {described(root.focusWidget())}")


def lost(root: QWidget, reached: list[QWidget]) -> list[str]:
    """What Tab does not come to and ought to."""
    there = {*reached, *(choice for widget in reached for choice in choices(widget))}
    wanted = [w for w in controls(root) if w.isEnabled() and w.focusPolicy() & Qt.FocusPolicy.TabFocus]
    return [described(w) for w in wanted if w not in there and w.focusWidget() not in there]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_tab_reaches_every_control_as_one_reads_and_comes_round(opened: Any, scene: Scene) -> None:
    window = opened(scene)
    window.activateWindow()
    reached = gone_through(window, window.rail.items[window.entry().key])
    assert lost(screens.shown(window), reached) == []
    first = reached.index(min((w for w in reached if w.parentWidget() is window.rail), key=QWidget.y))
    assert backward(window, [*reached[first:], *reached[:first]]) == []


TOUCH = theme.UNIT
"""Pixels by which two things that stand beside or below each other may overlap all the same: a shadow, a margin below zero."""


def backward(root: QWidget, reached: list[QWidget]) -> list[str]:
    """Steps against the way one reads. Of two controls those parts of the window are compared that hold one of them each and
    have the same parent: where they share columns, what is above comes first; where they share rows, what is at the left.
    Of parts that share neither, any may be first."""
    ways = [_above(root, widget) for widget in reached]
    places = {w: QRect(w.mapTo(root, QPoint(0, 0)), w.size()) for way in ways for w in way}
    found = []
    for second in range(len(reached)):
        for first in range(second):
            one, two = next((a, b) for a, b in zip(ways[first], ways[second], strict=False) if a != b)
            if _before(places[two], places[one]):
                found.append(f"{described(reached[first])} comes before {described(reached[second])}")
    return found


def _above(root: QWidget, widget: QWidget) -> list[QWidget]:
    """What holds a widget, from the outside, and itself."""
    way = [widget]
    while way[0] is not root:
        parent = way[0].parentWidget()
        assert parent is not None
        way.insert(0, parent)
    return [*way, widget]  # its own way goes on where it holds the other


def _before(one: QRect, two: QRect) -> bool:
    """Whether one must be read before two."""
    across = min(one.right(), two.right()) - max(one.left(), two.left()) > TOUCH
    down = min(one.bottom(), two.bottom()) - max(one.top(), two.top()) > TOUCH
    return (across and not down and one.top() < two.top()) or (down and not across and one.left() < two.left())


@pytest.mark.parametrize("scene", [s for s in SCENES if s.name.endswith("-empty")], ids=lambda scene: scene.name)
def test_a_screen_with_nothing_to_show_says_what_to_do(opened: Any, scene: Scene) -> None:
    said = [s for s in screens.shown(opened(scene)).findChildren(EmptyState) if s.isVisible()]
    assert len(said) >= 1 or scene.name == "library-empty"  # the library is never empty
    assert all(len(state.words) > 30 for state in said)


def cut(window: QWidget) -> list[str]:
    """Words that do not fit where they stand, and widgets that reach out of what holds them."""
    found = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or widget.width() == 0:
            continue
        if isinstance(widget, QLabel) and type(widget).paintEvent is QLabel.paintEvent:  # one that paints itself elides
            if widget.text() and not widget.wordWrap() and widget.sizeHint().width() > widget.width() + 1:
                found.append(f"{described(widget)} needs {widget.sizeHint().width()}, has {widget.width()}")
            elif widget.wordWrap() and widget.heightForWidth(widget.width()) > widget.height() + 1:
                found.append(f"{described(widget)} needs {widget.heightForWidth(widget.width())} high, has {widget.height()}")
        elif isinstance(widget, QPushButton) and widget.minimumSizeHint().width() > widget.width() + 1:
            found.append(f"{described(widget)} needs {widget.minimumSizeHint().width()}, has {widget.width()}")
        if not whole(widget):
            found.append(f"{described(widget)} reaches out of what holds it")
    return found


def whole(widget: QWidget) -> bool:
    """Whether a widget lies inside its parents, up to the first that scrolls."""
    here, parent = widget, widget.parentWidget()
    if not isinstance(widget, (QLabel, QAbstractButton, QLineEdit, QComboBox, QAbstractSpinBox)):
        return True
    while parent is not None and not here.isWindow():
        if isinstance(parent, QAbstractScrollArea) or isinstance(parent.parentWidget(), QAbstractScrollArea):
            return widget.mapTo(parent, QPoint(0, 0)).x() >= -1 and (
                widget.mapTo(parent, QPoint(0, 0)).x() + widget.width() <= parent.width() + 1
            )
        if not parent.rect().adjusted(-1, -1, 1, 1).contains(QRect(widget.mapTo(parent, QPoint(0, 0)), widget.size())):
            return False
        here, parent = parent, parent.parentWidget()
    return True


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_nothing_is_cut_in_the_smallest_window(opened: Any, scene: Scene) -> None:
    window = opened(scene, theme.LEAST)
    assert (window.width(), window.height()) == theme.LEAST
    assert cut(window) == []


@pytest.fixture
def over(opened: Any) -> Iterator[Any]:
    made: list[QWidget] = []

    def open_(surface: Surface) -> QWidget:
        window = opened(surface.scene)
        surface.open(window)
        made.append(surfaces.over(window))
        return made[-1]

    yield open_
    while (left := QApplication.activePopupWidget() or QApplication.activeModalWidget()) is not None:
        left.close()


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
def test_what_opens_over_a_screen_has_names_and_fits_into_the_smallest_window(over: Any, surface: Surface) -> None:
    front = over(surface)
    assert [described(w) for w in controls(front) if not named(w)] == []
    assert all(action.text() or action.isSeparator() for action in front.actions())
    assert isinstance(front, QMenu) or (front.width() <= theme.LEAST[0] and front.height() <= theme.LEAST[1])  # menus scroll
    assert cut(front) == []


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
def test_what_opens_over_a_screen_works_by_keys_alone(over: Any, surface: Surface) -> None:
    front = over(surface)
    if not isinstance(front, QMenu):  # which the arrows go through
        begin = front.focusWidget()
        reached = gone_through(front, begin)
        assert lost(front, reached) == []
        first = reached.index(min(reached, key=lambda w: (w.mapTo(front, QPoint(0, 0)).y(), w.mapTo(front, QPoint(0, 0)).x())))
        read = [*reached[first:], *reached[:first]]
        assert backward(front, read) == []
        fields = [w for w in read if not isinstance(w, (QPushButton, QToolButton, QScrollArea))]
        assert begin in (fields[:1] or read)
        if isinstance(front, Sheet):
            usual = [button for button in front.buttons.values() if button.property("role") != "danger"][-1]
            assert [b for b in front.findChildren(QPushButton) if b.isDefault()] == [usual]
        begin.setFocus()
    QTest.keyClick(front.focusWidget() or front, Qt.Key.Key_Escape)
    assert not front.isVisible()
