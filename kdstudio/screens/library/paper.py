"""What the pages of the library are made of: headings, facts, tables, links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QWidget

from kdstudio import actions, theme
from kdstudio.widgets import boxes
from kdstudio.widgets.columns import Columns
from kdstudio.widgets.icons import IconButton, TextButton
from kdstudio.widgets.texts import Elided, chip, label, paragraph, wrapped

Chip = tuple[str, str]
"""A word and its tone."""
Cell = str | QWidget
BROAD = theme.SPACE * 75
"""Least width of a card where two have room beside each other."""


class Page(QWidget):
    """A column of things about one item; cards that follow each other stand beside each other where there is room."""

    def __init__(self, title: str, name: str, chips: Iterable[Chip] = ()) -> None:
        super().__init__()
        theme.set_role(self, "page")
        self.setAccessibleName(title)
        self.column = boxes.column(theme.GAP, self)
        self.column.setContentsMargins(0, 0, theme.GAP, theme.MARGIN)
        self.column.addWidget(wrapped(title, "title"))
        below = boxes.row(theme.SPACE)
        if name:
            below.addWidget(label(name, "mono"))
        for words, tone in chips:
            below.addWidget(chip(words, tone), 0, Qt.AlignmentFlag.AlignVCenter)
        below.addStretch(1)
        self.column.addLayout(below)
        self.column.setSpacing(theme.SPACE + theme.HALF)
        self._cards: Columns | None = None

    def say(self, words: str, role: theme.Role = "muted") -> QLabel:
        """A paragraph; nothing where there are no words."""
        made = wrapped(words, role)
        made.setVisible(bool(words))
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._below(paragraph(made))
        return made

    def add(self, *widgets: QWidget) -> None:
        """Cards, and other things below each other."""
        for widget in widgets:
            if widget.property("role") != "card":
                self._below(boxes.row(0)).addWidget(widget)
                continue
            if self._cards is None:
                self._cards = Columns(BROAD, (1, 2), down=self.column.spacing())
                self.column.addLayout(self._cards)
            self._cards.addWidget(widget)

    def buttons(self, *buttons: QWidget) -> None:
        """Buttons beside each other, from the left."""
        row = boxes.row(theme.SPACE)
        for button in buttons:
            row.addWidget(button)
        row.addStretch(1)
        self._below(row)

    def _below(self, row: QHBoxLayout) -> QHBoxLayout:
        """Put a row below everything; cards that come later begin anew under it."""
        self._cards = None
        self.column.addLayout(row)
        return row

    def minimumSizeHint(self) -> QSize:
        """As wide as there is room, and as high as the words need there, which the layout knows."""
        return QSize(0, 0)

    def end(self) -> Page:
        """Room below."""
        self.column.addStretch(1)
        return self


def section(words: str, *widgets: QWidget) -> QFrame:
    """A card with a heading."""
    card = theme.set_role(QFrame(), "card")
    column = boxes.column(theme.SPACE, card)
    boxes.pad(column, theme.GAP, theme.GAP - theme.HALF)
    column.setAlignment(Qt.AlignmentFlag.AlignTop)  # one beside a higher card does not spread
    column.addWidget(label(words.upper(), "overline"))
    for widget in widgets:
        column.addWidget(widget)
    return card


def facts(rows: Sequence[tuple[str, Cell]]) -> QWidget:
    """Names with what is known beside them; those of which nothing is known are left out."""
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(theme.GAP)
    grid.setVerticalSpacing(theme.HALF)
    grid.setColumnMinimumWidth(0, theme.SPACE * 16)
    grid.setColumnStretch(1, 1)
    for row, (name, words) in enumerate((name, words) for name, words in rows if words):
        grid.addWidget(label(name, "muted"), row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(_selectable(words) if isinstance(words, str) else words, row, 1)
    return page


def _selectable(words: str) -> QWidget:
    made = QWidget()
    said = wrapped(words)
    said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setLayout(paragraph(said))
    return made


def code(words: str, name: str) -> Cell:
    """A hash, an address or a path: as much as fits, all of it under the cursor and to be copied; nothing for nothing."""
    if not words:
        return ""
    both = QWidget()
    row = boxes.row(theme.HALF, both)
    shown = Elided(words, "mono")
    shown.setToolTip(words)
    copy = IconButton("copy", f"Copy: {name}", size=theme.ICON_SMALL)
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(words))
    row.addWidget(shown, 1)
    row.addWidget(copy)
    return both


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]], stretch: int) -> QWidget:
    """Rows under heads, the column `stretch` as wide as there is room."""
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(theme.GAP)
    grid.setVerticalSpacing(theme.SPACE)
    grid.setColumnStretch(stretch, 1)
    for column, words in enumerate(heads):
        grid.addWidget(label(words, "faint"), 0, column)
    for row, cells in enumerate(rows, 1):
        for column, cell in enumerate(cells):
            made = _cell(cell, column == stretch)
            left = Qt.AlignmentFlag.AlignLeft if isinstance(cell, QLabel) else Qt.AlignmentFlag(0)
            grid.addWidget(made, row, column, Qt.AlignmentFlag.AlignTop | left)
    return page


def _cell(cell: Cell, wide: bool) -> QWidget:
    if isinstance(cell, QWidget):
        return cell
    return explained(cell) if wide else label(cell)


def named(title: str, name: str) -> QWidget:
    """A title with the name it has in files under it."""
    both = QWidget()
    column = boxes.column(0, both)
    column.addWidget(label(title, "strong"))
    if name:
        column.addWidget(label(name, "faint"))
    return both


def explained(words: str, *more: str) -> QWidget:
    """A sentence with fainter ones under it."""
    both = QWidget()
    column = boxes.column(theme.HALF // 2, both)
    column.addLayout(paragraph(wrapped(words)))
    for said in more:
        if said:
            column.addLayout(paragraph(wrapped(said, "faint")))
    return both


def link(words: str, address: str) -> QLabel:
    """Words that open an address in the browser."""
    made = QLabel(f'<a href="{escape(address)}">{escape(words)}</a>')
    made.setOpenExternalLinks(True)
    made.setWordWrap(True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
    made.setAccessibleName(f"Open {address}")
    return made


def button(words: str, call: Callable[[], object], role: theme.Role = "secondary", icon: str = "") -> TextButton:
    """A button that does something."""
    made = TextButton(words, role, icon)
    made.clicked.connect(lambda: call())
    return made


def reveal(path: Path, words: str = "Show in the folder") -> TextButton:
    """A button that opens the folder of a file, or a folder, which is made where it is not there."""

    def show() -> None:
        folder = path if path.suffix == "" else path.parent
        folder.mkdir(parents=True, exist_ok=True)
        actions.open_folder(folder)

    made = button(words, show, "secondary", "folder")
    made.setToolTip(str(path))
    return made
