"""When cards are redrawn: only visible and changed ones, each at most 4 times a second, one a pass."""

from __future__ import annotations

from time import monotonic

from PySide6.QtCore import QObject, QTimer

from kdstudio.charts.board import Board
from kdstudio.charts.card import Card

PASS = 40
"""Milliseconds between two passes: one card is redrawn in each, so that no pass is long."""
REST = 0.25
"""Seconds a card rests after a redraw."""


class Redraw(QObject):
    """Remembers which cards have changed and redraws those of a board that can be seen."""

    def __init__(self, board: Board, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._board = board
        self._changed: dict[Card, None] = {}
        self._drawn: dict[Card, float] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(PASS)
        self._timer.timeout.connect(self._pass)
        board.seen.connect(self._wake)

    def mark(self, card: Card) -> None:
        """What a card shows has changed."""
        self._changed.setdefault(card)
        self._wake()

    def forget(self) -> None:
        """Nothing is waiting: the cards are gone."""
        self._changed.clear()
        self._drawn.clear()

    def _wake(self) -> None:
        if self._changed and not self._timer.isActive():
            self._timer.start()

    def _pass(self) -> None:
        seen = [c for c in self._changed if c.isVisible() and c in self._board.visible_cards()]
        if not seen:
            self._timer.stop()  # woken by the next change, or when other cards come into sight
            return
        now = monotonic()
        ready = [c for c in seen if now - self._drawn.get(c, -REST) >= REST]
        if ready:
            card = min(ready, key=lambda c: self._drawn.get(c, -REST))
            del self._changed[card]
            self._drawn[card] = now
            card.redraw()

    def finish(self) -> None:
        """Redraw every visible card that waits, at once: before a picture is taken."""
        for card in [c for c in self._board.visible_cards() if c in self._changed]:
            del self._changed[card]
            card.redraw()
