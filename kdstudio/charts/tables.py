"""The card of a table watch: rows of label, value and note."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QStackedWidget, QWidget

from kdstudio import theme
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.figures import figure, tabular
from kdstudio.history import History


class TableCard(Card):
    """The newest rows of a table watch."""

    def __init__(self, watch: str, title: str, help: str, history: History) -> None:
        super().__init__(title, "", help)
        self.key = watch
        self.watch, self.history = watch, history
        self._rows: tuple[dict[str, Any], ...] = ()
        self._stack = QStackedWidget()
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.viewport().setAutoFillBackground(False)
        self._stack.addWidget(Waiting("The table appears when its stage is over."))
        self._stack.addWidget(self._scroll)
        self.body.addWidget(self._stack)

    def wants(self, watch: str) -> bool:
        """Whether a watch belongs to this card."""
        return watch == self.watch

    def redraw(self) -> None:
        """Write the newest rows, if they are new."""
        records = self.history.watched.get(self.watch, [])
        self._stack.setCurrentIndex(1 if records else 0)
        if records and records[-1].rows != self._rows:
            self._rows = records[-1].rows
            page = _grid(self._rows)
            self._scroll.setWidget(page)
            page.setAutoFillBackground(False)  # Qt turned it on when it took the page

    def table(self) -> Rows:
        """The rows as they are."""
        yield ("label", "value", "note")
        for row in self._rows:
            yield (row.get("label", ""), row.get("value", ""), row.get("note", ""))


def _grid(rows: tuple[dict[str, Any], ...]) -> QWidget:
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(0, 2, 8, 2)
    grid.setHorizontalSpacing(theme.GAP)
    grid.setVerticalSpacing(0)
    grid.setColumnStretch(0, 1)
    top = Qt.AlignmentFlag.AlignTop
    for i, row in enumerate(rows):
        name, value, note = (
            QLabel(str(row.get("label", ""))),
            QLabel(spelled(row.get("value"))),
            QLabel(str(row.get("note", ""))),
        )
        value.setFont(tabular())
        theme.set_role(note, "faint")
        for label in (name, note):
            label.setWordWrap(True)
        for label in (name, value, note):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(name, 2 * i, 0, top)
        grid.addWidget(value, 2 * i, 1, top | Qt.AlignmentFlag.AlignRight)
        note.setContentsMargins(0, 0, 0, theme.SPACE)
        grid.addWidget(note, 2 * i + 1, 0, 1, 2, top)
    grid.setRowStretch(2 * len(rows), 1)
    return page


def spelled(value: Any) -> str:
    """A cell: whole numbers with separators, others with four digits, words as they are."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "" if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else figure(value)
