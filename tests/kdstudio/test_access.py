"""Every screen in every state: names for who cannot see, the keyboard for who has no mouse, nothing cut where it is small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import screens
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QWidget,
)
from screens import SCENES, Scene

from kdstudio import theme
from kdstudio.empty import EmptyState
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


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_tab_reaches_every_control_and_comes_round(opened: Any, scene: Scene) -> None:
    window = opened(scene)
    wanted = {w for w in controls(screens.shown(window)) if w.isEnabled() and w.focusPolicy() & Qt.FocusPolicy.TabFocus}
    window.activateWindow()
    start = window.rail.items[window.entry().key]
    start.setFocus()
    reached: list[QWidget] = []
    for _ in range(len(window.findChildren(QWidget))):
        window.focusNextPrevChild(True)
        here = window.focusWidget()
        if here is start:
            break
        reached.append(here)
        reached.extend(choices(here))
    assert window.focusWidget() is start, f"Tab never leaves {described(window.focusWidget())}"
    lost = [described(w) for w in wanted if w not in reached and w.focusWidget() not in reached]
    assert lost == []


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
