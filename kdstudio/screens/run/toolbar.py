"""Which cards of a board are shown."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QToolButton

from kdstudio import theme
from kdstudio.charts.board import Board


class CardsButton(QToolButton):
    """A menu of all cards of a board, to take them out of sight or bring them back, and to lay them out anew."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board
        theme.set_role(self, "compact")
        self.setText("cards")
        self.setToolTip("Which cards are shown. Drag a card by its title to lay it elsewhere")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        menu = QMenu(self)
        menu.aboutToShow.connect(self.fill)
        self.setMenu(menu)

    def fill(self) -> None:
        """The entries as they are now: the shown cards as they lie, then the hidden ones."""
        menu, board = self.menu(), self._board
        menu.clear()
        shown = board.shown()
        for card in [*shown, *(c for c in board.cards if c not in shown)]:
            action = menu.addAction(card.title)
            action.setCheckable(True)
            action.setChecked(card in shown)
            action.toggled.connect(lambda seen, card=card: board.hide_card(card, not seen))
        menu.addSeparator()
        menu.addAction("Lay out as at first").triggered.connect(lambda _checked=False: board.arrange_anew())
