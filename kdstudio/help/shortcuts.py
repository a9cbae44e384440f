"""The list of keys, made from the commands that the window holds when it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QScrollArea, QWidget

from kdstudio import commands, theme
from kdstudio.entries import ENTRIES
from kdstudio.widgets import boxes
from kdstudio.widgets.asking import Sheet
from kdstudio.widgets.texts import label, wrapped

if TYPE_CHECKING:
    from kdstudio.window import Window

EVERYWHERE = "Everywhere"


def listed(window: Window) -> dict[str, list[tuple[str, str]]]:
    """Keys and words by screen, `Everywhere` first, each once; screens that were not made yet are made for this."""
    for entry in ENTRIES:
        window.page(entry.key)
    order = [EVERYWHERE, *(entry.words for entry in ENTRIES)]
    found: dict[str, dict[str, str]] = {words: {} for words in order}
    for command in commands.found(window):
        if command.keys():
            found[window.words_of(command.owner) or EVERYWHERE].setdefault(command.keys(), command.text().rstrip("…"))
    return {words: list(keys.items()) for words, keys in found.items() if keys}


class ShortcutSheet(Sheet):
    """Every screen's keys under its name."""

    def __init__(self, window: Window) -> None:
        super().__init__(
            window, "Keyboard shortcuts", "Everything else is a few letters away: the palette finds what has no keys, too.",
            [("Close", "primary", self.accept)],
        )  # fmt: skip
        self.listed = listed(window)
        page = QWidget()
        column = boxes.column(theme.GAP, page)
        boxes.pad(column, 0)
        for words, keys in self.listed.items():
            group = boxes.column(theme.HALF)
            group.addWidget(label(words.upper(), "overline"))
            group.addWidget(_table(keys))
            column.addLayout(group)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName("Keyboard shortcuts")
        area.setFixedHeight(min(theme.SPACE * 56, max(theme.SPACE * 20, window.height() - theme.SPACE * 28)))
        self.body.addWidget(area)


def _table(keys: list[tuple[str, str]]) -> QWidget:
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(0, 0, theme.GAP, 0)
    grid.setHorizontalSpacing(theme.GAP)
    grid.setVerticalSpacing(theme.HALF)
    grid.setColumnMinimumWidth(0, theme.SPACE * 16)
    grid.setColumnStretch(1, 1)
    for row, (key, words) in enumerate(keys):
        grid.addWidget(label(key, "mono"), row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(wrapped(words), row, 1)
    return page
