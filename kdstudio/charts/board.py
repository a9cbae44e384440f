"""The board on which the cards lie: columns as many as fit, in the order and the sizes that a person gave them."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QWidget

from kdstudio import commands, theme
from kdstudio.charts.arrangement import Arrangement, Size
from kdstudio.charts.card import Card
from kdstudio.charts.place_menu import add_place_menu
from kdstudio.charts.places import Place, places

WIDTH = 372
"""Least width of a card in pixels."""
LOW, USUAL, HIGH = 268, 320, 420
"""Least height of a row of cards, greatest where there is more to scroll to, and greatest where all are seen."""
GAP = theme.SPACE + theme.HALF
RIGHT = GAP + 10
"""Pixels right of the cards: a gap and the scroll bar."""
EDGE = 40
"""Pixels from the upper and the lower end in which a dragged card scrolls the board."""
STEPS = (("Move the card in focus back", "Ctrl+Shift+Left", -1), ("Move the card in focus on", "Ctrl+Shift+Right", 1))
"""What the keyboard can do with a card: words, keys, by how many places."""


class Board(QScrollArea):
    """Cards in rows. `cards` are in the order in which they were added, `shown()` in the order in which they lie. `seen` says
    that others may be visible now, `arranged` that a person changed the arrangement."""

    seen = Signal()
    arranged = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.cards: list[Card] = []
        self.large: Card | None = None
        self.arrangement = Arrangement()
        self._page = theme.set_role(QWidget(), "plain")
        self.setWidget(self._page)
        self._mark = theme.set_role(QFrame(self._page), "drop")
        self._mark.hide()
        self.verticalScrollBar().valueChanged.connect(lambda: self.seen.emit())
        for words, keys, by in STEPS:
            commands.offer(self, words, partial(self._step, by), keys=keys, allowed=lambda: self.focused() is not None)

    def add(self, card: Card) -> None:
        """Lay a card where it was last time, else after the others."""
        card.key = _free(card.key, {each.key for each in self.cards})
        add_place_menu(self, card)
        card.setParent(self._page)
        card.grow_requested.connect(self.grow)
        card.dragged.connect(self._drag)
        card.dropped.connect(self._drop)
        self.cards.append(card)
        card.show()
        self.arrange()

    def clear(self) -> None:
        """Take all cards away."""
        for card in self.cards:
            card.hide()
            card.deleteLater()
        self.cards, self.large = [], None

    def shown(self) -> list[Card]:
        """The cards that are not hidden, as they lie."""
        named = {card.key: card for card in self.cards}
        return [named[key] for key in self.arrangement.placed(list(named)) if key not in self.arrangement.hidden]

    def grow(self, card: Card) -> None:
        """Show one card alone, or, when it is, all of them again."""
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

    # What a person arranges

    def arrange_as(self, arrangement: Arrangement) -> None:
        """Lay the cards as they were another time."""
        self.arrangement = arrangement
        self.arrange()

    def move_card(self, card: Card, by: int) -> None:
        """Lay a card so many places further on, or back."""
        order = self.shown()
        self._put(card, min(max(0, order.index(card) + by), len(order) - 1))

    def resize_card(self, card: Card, size: Size) -> None:
        """Make a card small, wide or large."""
        self.arrangement.sizes[card.key] = size
        self._changed()

    def hide_card(self, card: Card, hidden: bool = True) -> None:
        """Take a card out of sight, or bring it back."""
        kept = [key for key in self.arrangement.hidden if key != card.key]
        self.arrangement.hidden = [*kept, card.key] if hidden else kept
        if hidden and self.large is card:
            self.grow(card)
        self._changed()

    def arrange_anew(self) -> None:
        """Lay all cards as their makers have it; how each is looked at stays."""
        self.arrangement = Arrangement(looks=self.arrangement.looks)
        self._changed()

    def size_of(self, card: Card) -> Size:
        """How large a card is where it lies among others."""
        return self.arrangement.sizes.get(card.key, "small" if card.span == 1 else "wide")

    def _put(self, card: Card, place: int) -> None:
        order = [each for each in self.shown() if each is not card]
        order.insert(place, card)
        self.arrangement.put([each.key for each in order])
        self._changed()

    def _changed(self) -> None:
        self.arrange()
        self.arranged.emit()

    # Where the cards lie

    def arrange(self) -> None:
        """Give every card its place."""
        width, height = self.viewport().width(), self.viewport().height()
        shown = self.shown()
        for card in self.cards:
            card.setVisible(card in shown if self.large is None else card is self.large)
        if self.large is not None:
            self.large.setGeometry(0, 0, width - GAP, height - GAP)
            self._page.resize(width, height)
        else:
            self._lay(shown, width, height)
        self.seen.emit()

    def _lay(self, shown: list[Card], width: int, height: int) -> None:
        columns = max(1, (width + GAP) // (WIDTH + GAP))
        found = places([self.size_of(c) for c in shown], columns)
        rows = 1 + max((p.row + p.tall - 1 for p in found), default=0)
        each = (width - GAP * columns) / columns
        fitting = max(1, height // (LOW + GAP))
        most = HIGH if rows <= fitting else USUAL
        tall = int(min(max((height / min(fitting, max(1, rows))) - GAP, LOW), most))
        for card, place in zip(shown, found, strict=True):
            card.setGeometry(_rectangle(place, each, tall))
        self._page.resize(width, max(height, rows * (tall + GAP)))

    # Dragging

    def _drag(self, card: Card, at: QPoint) -> None:
        """Show where the card would come to lie; near an end, scroll."""
        if self.large is not None:
            return
        inside = self.viewport().mapFromGlobal(at)
        bar, height = self.verticalScrollBar(), self.viewport().height()
        bar.setValue(bar.value() + (inside.y() > height - EDGE) * EDGE // 2 - (inside.y() < EDGE) * EDGE // 2)
        target, after = self._target(self._page.mapFromGlobal(at))
        if target is None:
            self._mark.hide()
            return
        box = target.geometry()
        left = box.right() + GAP // 2 if after else box.left() - GAP // 2 - 1
        self._mark.setGeometry(max(0, left), box.top(), 3, box.height())
        self._mark.show()
        self._mark.raise_()

    def _drop(self, card: Card, at: QPoint) -> None:
        self._mark.hide()
        target, after = self._target(self._page.mapFromGlobal(at))
        if target is None or target is card or self.large is not None:
            return
        order = [each for each in self.shown() if each is not card]
        self._put(card, order.index(target) + after)

    def _target(self, at: QPoint) -> tuple[Card | None, bool]:
        """The card below a point, and whether the point is in its right half."""
        found = next((c for c in self.shown() if c.geometry().adjusted(0, 0, GAP, GAP).contains(at)), None)
        return found, found is not None and at.x() > found.geometry().center().x()

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

    def _step(self, by: int) -> None:
        """Move the card that has the keyboard, and follow it."""
        card = self.focused()
        if card is not None and self.large is None:
            self.move_card(card, by)
            self.ensureWidgetVisible(card)

    def focused(self) -> Card | None:
        """The card that has the keyboard."""
        widget = QApplication.focusWidget()
        return next((card for card in self.cards if widget is not None and card.isAncestorOf(widget)), None)

    def sizeHint(self) -> QSize:
        """Two columns of two rows."""
        return QSize(2 * (WIDTH + GAP), 2 * (LOW + GAP))


def _free(key: str, taken: set[str]) -> str:
    """A key that no other card has."""
    return next(name for n in range(1, len(taken) + 2) if (name := key if n == 1 else f"{key} {n}") not in taken)


def _rectangle(place: Place, each: float, tall: int) -> QRect:
    left = round(place.column * (each + GAP))
    right = round((place.column + place.span) * (each + GAP)) - GAP
    return QRect(left, place.row * (tall + GAP), right - left, place.tall * (tall + GAP) - GAP)
