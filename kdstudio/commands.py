"""What can be done by a key or from the palette: an action of Qt's on the widget it belongs to, marked as ours. There is no
list beside the widgets; the palette and the list of shortcuts look through the window and find what it holds."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QWidget

Keys = str | QKeySequence.StandardKey
"""`Ctrl+E`, or one of Qt's own, which differ between systems."""


class Command(QAction):
    """Words as a menu would say them, keys, an icon, and whether it can be done now.

    Its keys work wherever the keyboard is in the window, as long as the widget it belongs to is shown.
    """

    def __init__(
        self, owner: QWidget, words: str, call: Callable[[], object], keys: Keys, icon: str, allowed: Callable[[], bool]
    ) -> None:
        super().__init__(words, owner)
        self.owner, self.icon_name, self.allowed = owner, icon, allowed
        self._call = call
        if keys:
            self.setShortcut(QKeySequence(keys))
        self.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        self.triggered.connect(lambda _checked=False: self.do())
        owner.addAction(self)

    def keys(self) -> str:
        """The keys as this system writes them; empty for none."""
        return self.shortcut().toString(QKeySequence.SequenceFormat.NativeText)

    def do(self) -> None:
        """Do it, where it can be done now."""
        if self.allowed():
            self._call()


def offer(
    owner: QWidget, words: str, call: Callable[[], object], *,
    keys: Keys = "", icon: str = "", allowed: Callable[[], bool] = lambda: True,
) -> Command:  # fmt: skip
    """Make an action of a widget known to the palette, and to the list of shortcuts where it has keys. The group it stands
    under there is the screen that the widget is on."""
    return Command(owner, words, call, keys, icon, allowed)


def press(owner: QWidget, button: QAbstractButton, words: str, *, keys: Keys = "", icon: str = "") -> Command:
    """Make a button of `owner` known likewise: it can be pressed while it is enabled and not hidden there, and its tooltip
    names the keys."""
    made = offer(
        owner, words, button.click, keys=keys, icon=icon, allowed=lambda: button.isEnabled() and button.isVisibleTo(owner)
    )
    if made.keys() not in button.toolTip() or not button.toolTip():
        button.setToolTip(f"{button.toolTip() or words} ({made.keys()})" if made.keys() else words)
    return made


def found(root: QObject) -> list[Command]:
    """Every command below a widget, in the order in which the widgets were made."""
    return root.findChildren(Command)
