"""The keyboard alone, from main(): past the tour, to an experiment, its settings, the run, and the student on disk."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

import engine
from kdstudio import app
from kdstudio.forms import Cell
from kdstudio.help.guide import SEEN
from kdstudio.window import Window

CTRL = Qt.KeyboardModifier.ControlModifier
PATIENCE = 200_000
"""Milliseconds for the whole way, on a machine that is busy."""
Until = Callable[[], object]


def front() -> QWidget:
    """The popup, the dialogue or the window that gets the keys now."""
    over = QApplication.activePopupWidget() or QApplication.activeModalWidget() or QApplication.activeWindow()
    assert over is not None
    return over


def key(which: Qt.Key, with_: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    over = front()  # held: a dialogue of Qt's own is known to Python no longer than this
    QTest.keyClick(over.focusWidget() or over, which, with_)


def words(text: str) -> None:
    over = front()
    QTest.keyClicks(over.focusWidget() or over, text)


class Hands:
    """Presses one key after another; waits in between until what it hopes to see is there."""

    def __init__(self, way: Iterator[Until]) -> None:
        self._way = way
        self._until: Until = lambda: True
        self.trouble, self.passed = "", 0
        self._timer = QTimer()
        self._timer.setInterval(20)
        self._timer.timeout.connect(self._go)
        self._timer.start()
        self._end = QTimer()
        self._end.setSingleShot(True)
        self._end.timeout.connect(lambda: self._give_up(f"stuck after {self.passed} steps, in {QApplication.focusWidget()}"))
        self._end.start(PATIENCE)
        self._busy = False

    def _go(self) -> None:
        if self._busy:  # a dialogue runs a loop of its own inside the last key
            return
        try:
            if self._until():
                self._busy = True
                self._until = next(self._way)
                self.passed += 1
        except StopIteration:
            self._rest()
        except Exception:  # noqa: BLE001  (told by the test)
            self._give_up(traceback.format_exc())
        finally:
            self._busy = False

    def _give_up(self, words: str) -> None:
        self.trouble = words
        self._rest()
        for window in QApplication.topLevelWidgets():
            if isinstance(window, Window):
                window.trainer.stop()
                window.trainer.wait()
        QApplication.exit(1)  # not quit(): a window may refuse to close

    def _rest(self) -> None:
        self._timer.stop()
        self._end.stop()


def window() -> Window:
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, Window) and w.isVisible())


def shown() -> bool:
    return any(isinstance(w, Window) and w.isVisible() for w in QApplication.topLevelWidgets())


def palette(text: str) -> Iterator[Until]:
    """Ctrl+K, a few letters, Return."""
    key(Qt.Key.Key_K, CTRL)
    sheet = window().guide.palette
    yield lambda: sheet.isVisible() and any(hit.group == "Preset" for hit in sheet._far)
    words(text)
    key(Qt.Key.Key_Return)
    yield lambda: not sheet.isVisible()


def at_setting() -> str:
    """The setting whose field has the keyboard; empty for none."""
    here = QApplication.focusWidget()
    while here is not None and not isinstance(here, Cell):
        here = here.parentWidget()
    return here.path if here is not None else ""


def setting(name: str, value: str, path: str) -> Iterator[Until]:
    """A setting through the palette, typed over."""
    yield from palette(name)
    yield lambda: QApplication.activePopupWidget() is None and at_setting() == path
    key(Qt.Key.Key_A, CTRL)
    words(value)
    key(Qt.Key.Key_Tab)
    yield lambda: str(window().store.value(path)) == value


def the_way(target: Path) -> Iterator[Until]:
    yield shown
    yield lambda: window().guide.tour is not None
    key(Qt.Key.Key_Right)
    key(Qt.Key.Key_Escape)
    yield lambda: window().guide.tour is None
    yield from palette("digits-label-smoothing")
    yield lambda: window().store.base().name == "experiments/digits-label-smoothing"
    yield from setting("training epochs", "2", "training.epochs")
    yield from setting("dataset subset", "0.3", "dataset.subset")
    yield from setting("run threads", "1", "run.threads")
    key(Qt.Key.Key_Return, CTRL)
    yield lambda: window().run.isVisible()
    yield lambda: window().run.history.state == "done" and window().trainer.state == "idle"
    QTimer.singleShot(0, window(), lambda: key(Qt.Key.Key_E, CTRL))  # the dialogue's loop runs inside this key
    yield lambda: isinstance(QApplication.activeModalWidget(), QFileDialog)
    key(Qt.Key.Key_A, CTRL)
    words(target.name)
    key(Qt.Key.Key_Return)
    yield target.is_file
    window().activateWindow()  # no window manager does it here
    yield lambda: QApplication.activeWindow() is not None
    key(Qt.Key.Key_Q, CTRL)
    yield lambda: not shown()


def test_from_main_to_the_exported_student_by_keys_alone(
    dressed: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    QSettings().remove(SEEN)
    target = tmp_path / "mine.safetensors"
    monkeypatch.chdir(tmp_path)  # where the dialogue opens: paths it would complete while they are typed
    monkeypatch.setattr(sys, "argv", ["kdstudio", "--runs", str(tmp_path / "runs")])
    hands = Hands(the_way(target))
    with pytest.raises(SystemExit) as end:
        app.main()
    assert not hands.trouble, hands.trouble
    assert end.value.code == 0
    assert sum(p.numel() for p in engine.load_student(target).parameters()) > 0
