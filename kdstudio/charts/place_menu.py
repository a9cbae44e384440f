"""The part of a card's menu that says where it stands: its size, its place, out of sight. Filled when it is first opened, for
most never are."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtWidgets import QMenu

from kdstudio.charts.arrangement import Size
from kdstudio.charts.card import Card

SIZES: dict[Size, str] = {"small": "Small", "wide": "Wide", "large": "Large"}


class Arranges(Protocol):
    """What such a menu needs of a board."""

    def size_of(self, card: Card) -> Size:
        """How large a card is."""

    def resize_card(self, card: Card, size: Size) -> None:
        """Make it so large."""

    def move_card(self, card: Card, by: int) -> None:
        """Lay it further on, or back."""

    def hide_card(self, card: Card, hidden: bool = True) -> None:
        """Take it out of sight, or bring it back."""


def add_place_menu(board: Arranges, card: Card) -> None:
    """Give a card's menu a part about its place on the board."""
    menu = card.menu.addMenu("Place on the board")
    menu.aboutToShow.connect(lambda: fill(menu, board, card))


def fill(menu: QMenu, board: Arranges, card: Card) -> None:
    """The entries as they are now."""
    menu.clear()
    for size, words in SIZES.items():
        action = menu.addAction(words)
        action.setCheckable(True)
        action.setChecked(board.size_of(card) == size)
        action.triggered.connect(lambda _checked=False, size=size: board.resize_card(card, size))
    menu.addSeparator()
    for words, by in (("Move back (Ctrl+Shift+←)", -1), ("Move on (Ctrl+Shift+→)", 1)):
        menu.addAction(words).triggered.connect(lambda _checked=False, by=by: board.move_card(card, by))
    menu.addSeparator()
    menu.addAction("Hide").triggered.connect(lambda _checked=False: board.hide_card(card))
