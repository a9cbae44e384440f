"""When cards are redrawn: only visible and changed ones, each at most 4 times a second, one a pass, and all of them
together within a small share of the time, for the training needs the interpreter, too. What comes into sight for the first
time does not wait for that share: until it is drawn it would seem to have nothing to show."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic, thread_time

from PySide6.QtCore import QObject, QTimer

from kdstudio.charts.board import Board
from kdstudio.charts.card import Card

PASS = 40
"""Least milliseconds between two passes: one card is redrawn in each, so that no pass is long."""
SHARE = 0.008
"""Of the time, redraws may take so much (painting about doubles it): the next pass waits longer after a dear one."""
SLOWEST = 500
"""Milliseconds to the next pass, however expensive the last one was; a dear card itself waits longer (see `LONGEST`)."""
LONGEST = 5.0
"""Seconds that a card rests at most, however expensive it is."""


class Redraw(QObject):
    """Remembers which cards have changed and redraws those of a board that can be seen; `count` is how often it did.
    `at_once`: nothing trains beside, so everything in sight is drawn without waiting."""

    def __init__(self, board: Board, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._board = board
        self._changed: dict[Card, None] = {}
        self._drawn: dict[Card, float] = {}
        self._rests: dict[Card, float] = {}
        self._calls: deque[Callable[[], None]] = deque()
        self.count = 0
        self.at_once = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._pass)
        board.seen.connect(self._wake)

    def mark(self, card: Card) -> None:
        """What a card shows has changed."""
        self._changed.setdefault(card)
        self._wake()

    def later(self, call: Callable[[], None]) -> None:
        """Do something that takes its time, such as making a card, in a pass of its own."""
        self._calls.append(call)
        self._wake()

    def forget(self) -> None:
        """Nothing is waiting: the cards are gone."""
        self._changed.clear()
        self._drawn.clear()
        self._rests.clear()
        self._calls.clear()

    def _wake(self) -> None:
        if (self._changed or self._calls) and not self._timer.isActive():
            self._timer.start(PASS)

    def _pass(self) -> None:
        if self.at_once:
            self.finish()
            return
        if self._calls:
            self._calls.popleft()()
            self._wake()
            return
        start = thread_time()
        seen = self._work()
        if seen:  # else woken by the next change, or when other cards come into sight
            new = any(card not in self._drawn for card in seen)
            self._timer.start(PASS if new else int(min(max(PASS, 1000 * (thread_time() - start) / SHARE), SLOWEST)))

    def _work(self) -> list[Card]:
        """One redraw; the cards in sight that had changed."""
        seen = [c for c in self._board.visible_cards() if c in self._changed and c.isVisible()]
        now = monotonic()
        ready = [c for c in seen if now - self._drawn.get(c, 0.0) >= self._rests.get(c, c.rest)]
        if ready:
            self._redraw(min(ready, key=lambda c: self._drawn.get(c, 0.0)))
        return seen

    def _redraw(self, card: Card) -> None:
        del self._changed[card]
        self._drawn[card] = monotonic()
        self.count += 1
        start = thread_time()
        card.redraw()
        self._rests[card] = max(card.rest, min((thread_time() - start) / SHARE, LONGEST))

    def finish(self) -> None:
        """Do all that waits and redraw every visible card that has changed, at once: before a picture is taken."""
        while self._calls:
            self._calls.popleft()()
        for card in [c for c in self._board.visible_cards() if c in self._changed]:
            self._redraw(card)
