"""The pointer over a card of curves: its cross, the values there in the legend, which curve is meant, what happened there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from kdstudio.charts.crossing import Crossing
from kdstudio.charts.figures import clock, figure
from kdstudio.charts.plot import nearest_key
from kdstudio.history.curve import nearest

if TYPE_CHECKING:
    from kdstudio.charts.curves import CurveCard

NEAR = 6
"""Pixels from an event's mark, and from a curve, at which it is meant."""


class Pointing(QObject):
    """Follows the pointer in its card, and, by its place alone, in other cards over the same scale."""

    def __init__(self, card: CurveCard, crossing: Crossing) -> None:
        super().__init__(card)
        self._card, self._crossing = card, crossing
        self._place: tuple[float, float | None] | None = None  # no height where the pointer is in another card
        crossing.moved.connect(self._follow)

    def point(self, x: float, y: float) -> None:
        """The pointer is here, in coordinates of the view."""
        self._place = (x, y)
        self._card.light(self._meant(x, y))
        self.refresh()
        at = self._snapped()
        self._crossing.point(self._card, self._scale(), x if at is None else at)

    def leave(self) -> None:
        """It has left the card."""
        self._place = None
        self._card.light("")
        self.refresh()
        self._crossing.leave(self._card)

    def refresh(self) -> None:
        """The newest values in the legend, or those under the pointer."""
        at, drawn = self._snapped(), self._card.drawn
        if at is not None and self._place is not None:
            self._cross(at, *self._place)
        places = ((d, len(d.y) - 1 if at is None else nearest(d.x, at)) for d in drawn)
        self._card.legend.set_values({d.key: float(d.y[place]) for d, place in places})

    def _scale(self) -> str:
        """What makes the same x the same moment: two stages begin at 0, each by itself."""
        return f"{self._card.lens.axis} of {self._card.shown_stage()}"

    def _follow(self, card: QObject, scale: str, x: float) -> None:
        """The pointer moved in a card: in another one over the same scale, this one shows what was measured then."""
        if card is self._card or not self._card.isVisible() or not self._card.drawn:
            return
        if scale == self._scale():
            self._place = (x, None)
        elif self._place is not None:
            self._place = None
            self._card.canvas.unpoint()
        else:
            return
        self.refresh()

    def _snapped(self) -> float | None:
        """The measured position nearest to the pointer."""
        if self._place is None or not self._card.drawn:
            return None
        x = max((d.x for d in self._card.drawn), key=len)
        return float(x[nearest(x, self._place[0])])

    def _cross(self, at: float, x: float, height: float | None) -> None:
        """At the measured position nearest to the pointer; where that is in another card, right below it."""
        axis, canvas = self._card.lens.axis, self._card.canvas
        if height is None:
            canvas.follow(x)
            return
        words = clock(at, 1.0) if axis == "time" else figure(at)
        canvas.point_at(at, height, f"{axis} {words}", self._meant_at(at) or self._news_at(at))

    def _meant(self, x: float, y: float) -> str:
        """The key of the curve nearest to the pointer, where one is near; of a single curve it need not be said."""
        card = self._card
        if len(card.drawn) < 2:
            return ""
        shown = card.canvas.strokes.curves
        heights = {d.key: card.lens.height(float(d.y[nearest(d.x, x)])) for d in card.drawn if d.key in shown}
        return nearest_key(heights, y, NEAR * card.canvas.pixel()[1])

    def _meant_at(self, at: float) -> str:
        """Which curve is pointed at, and its value, where there are too many to tell by their colours."""
        card = self._card
        lit = next((d for d in card.drawn if d.key == card.canvas.strokes.lit), None)
        if lit is None or card.legend.long is None:
            return ""
        return f"{lit.line.name}: {figure(float(lit.y[nearest(lit.x, at)]), card.plot.digits)}"

    def _news_at(self, at: float) -> str:
        """What happened near a place on the x axis."""
        near = NEAR * self._card.canvas.pixel()[0]
        return " · ".join(words for x, words in self._card.news(self._card.shown_stage()) if abs(x - at) <= near)
