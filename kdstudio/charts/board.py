"""The board on which the cards lie: columns as many as fit, one card large on request."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from kdstudio import theme
from kdstudio.charts.card import Card

WIDTH = 372
"""Least width of a card in pixels."""
LOW, USUAL, HIGH = 268, 320, 420
"""Least height of a row of cards, greatest where there is more to scroll to, and greatest where all are seen."""
GAP = theme.SPACE + theme.HALF
RIGHT = GAP + 10
"""Pixels right of the cards: a gap and the scroll bar."""


class Board(QScrollArea):
    """Cards in rows, in the order in which they were added. `seen` says that others may be visible now."""

    seen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.cards: list[Card] = []
        self.large: Card | None = None
        self._page = theme.set_role(QWidget(), "plain")
        self.setWidget(self._page)
        self.verticalScrollBar().valueChanged.connect(lambda: self.seen.emit())

    def add(self, card: Card) -> None:
        """Lay a card after the others."""
        card.setParent(self._page)
        card.grow_requested.connect(self.grow)
        self.cards.append(card)
        card.show()
        self.arrange()

    def clear(self) -> None:
        """Take all cards away."""
        for card in self.cards:
            card.hide()
            card.deleteLater()
        self.cards, self.large = [], None

    def grow(self, card: Card) -> None:
        """Show one card large, or, when it is, all of them again."""
        self.large = None if self.large is card else card
        for each in self.cards:
            each.set_grown(each is self.large)
        self.arrange()
        if self.large is not None:
            self.verticalScrollBar().setValue(0)

    def visible_cards(self) -> list[Card]:
        """The cards of which something can be seen."""
        shown = QRect(0, self.verticalScrollBar().value(), self.viewport().width(), self.viewport().height())
        return [c for c in self.cards if not c.isHidden() and c.geometry().intersects(shown)]

    def arrange(self) -> None:
        """Give every card its place."""
        width, height = self.viewport().width(), self.viewport().height()
        for card in self.cards:
            card.setVisible(self.large in (None, card))
        if self.large is not None:
            self.large.setGeometry(0, 0, width - GAP, height - GAP)
            self._page.resize(width, height)
        else:
            self._lay(width, height)
        self.seen.emit()

    def _lay(self, width: int, height: int) -> None:
        columns = max(1, (width + GAP) // (WIDTH + GAP))
        rows = rows_of([c.span for c in self.cards], columns)
        each = (width - GAP * columns) / columns
        fitting = max(1, height // (LOW + GAP))
        most = HIGH if len(rows) <= fitting else USUAL
        tall = int(min(max((height / min(fitting, max(1, len(rows)))) - GAP, LOW), most))
        for r, row in enumerate(rows):
            for i, column, span in row:
                left, right = round(column * (each + GAP)), round((column + span) * (each + GAP)) - GAP
                self.cards[i].setGeometry(left, r * (tall + GAP), right - left, tall)
        self._page.resize(width, max(height, len(rows) * (tall + GAP)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Find new places."""
        super().resizeEvent(event)
        self.arrange()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc brings all cards back."""
        if event.key() == Qt.Key.Key_Escape and self.large is not None:
            self.grow(self.large)
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        """Two columns of two rows."""
        return QSize(2 * (WIDTH + GAP), 2 * (LOW + GAP))


def rows_of(spans: list[int], columns: int) -> list[list[tuple[int, int, int]]]:
    """Which card stands where: rows of (card, column, span). A card that does not fit starts a row; the gap it leaves
    is filled by the next narrow card, so that no row has a hole while there is one; the last of a row is stretched."""
    rows: list[list[tuple[int, int, int]]] = []
    waiting = list(enumerate(min(s, columns) for s in spans))
    while waiting:
        row: list[tuple[int, int, int]] = []
        used = 0
        for entry in list(waiting):
            if used + entry[1] <= columns:
                row.append((entry[0], used, entry[1]))
                used += entry[1]
                waiting.remove(entry)
        if waiting and used < columns:
            i, column, span = row[-1]
            row[-1] = (i, column, span + columns - used)
        rows.append(row)
    return rows
