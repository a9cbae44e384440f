"""The menus of Runs: of the selected runs, and of the whole table. What stands in them is a command, so the palette and the
keys know it, too."""

from __future__ import annotations

from PySide6.QtWidgets import QMenu, QWidget

from kdstudio.commands import Command
from kdstudio.widgets.icons import icon


def menu(parent: QWidget, *groups: tuple[Command, ...]) -> QMenu:
    """A menu of commands in groups, each as it can be done now."""
    made = QMenu(parent)
    made.aboutToHide.connect(made.deleteLater)
    for number, group in enumerate(groups):
        if number:
            made.addSeparator()
        for command in group:
            _enter(made, command)
    return made


def _enter(made: QMenu, command: Command) -> None:
    action = made.addAction(icon(command.icon_name), command.text()) if command.icon_name else made.addAction(command.text())
    action.setShortcut(command.shortcut())
    action.setShortcutVisibleInContextMenu(True)
    action.setEnabled(command.allowed())
    action.triggered.connect(lambda *_: command.do())
