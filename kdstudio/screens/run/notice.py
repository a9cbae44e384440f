"""A word to a person who looks elsewhere: the window asks for attention, and a tray, where the system has one, says why."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

PATIENCE = 10_000
"""Milliseconds for which the system shows it, where it lets us choose."""


class Notice(QObject):
    """Speaks only while no window of ours is in front; the tray's icon is there only while it speaks."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        self._tray: QSystemTrayIcon | None = None

    def give(self, title: str, words: str, *, bad: bool = False) -> None:
        """Say something, unless the person is looking."""
        if QApplication.activeWindow() is not None:
            return
        QApplication.alert(self._parent.window())
        if not (QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()):
            return
        if self._tray is None:
            self._tray = QSystemTrayIcon(self._parent.window().windowIcon(), self)
            self._tray.messageClicked.connect(self._come)
        self._tray.show()
        icon = QSystemTrayIcon.MessageIcon.Warning if bad else QSystemTrayIcon.MessageIcon.Information
        self._tray.showMessage(title, words, icon, PATIENCE)

    def hush(self) -> None:
        """Take the icon away: the person is back, or something new began."""
        if self._tray is not None:
            self._tray.hide()

    def _come(self) -> None:
        window = self._parent.window()
        window.raise_()
        window.activateWindow()
        self.hush()
