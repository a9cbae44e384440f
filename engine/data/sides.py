"""The sides of images that a run's nets can agree on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import lcm

from engine.cards import NetCard
from engine.decoding.images import DataError


@dataclass(frozen=True)
class Sides:
    """The sides of images that the nets of a run take: at least `smallest`, exactly `exact` (0: any), a multiple of
    `multiple_of`; `because` names who asks for it."""

    smallest: int = 1
    exact: int = 0
    multiple_of: int = 1
    because: str = ""

    @classmethod
    def of(cls, cards: Iterable[NetCard]) -> Sides:
        """What all these nets take. Raises DataError where no side suits all of them."""
        sides = cls()
        for card in cards:
            sides = sides.and_(cls(card.smallest, card.exact, 1, f"{card.key} takes {_words(card.smallest, card.exact)}"))
        return sides

    def and_(self, other: Sides) -> Sides:
        """What suits both. Raises DataError where nothing does."""
        stricter = self if (self.exact, self.smallest) >= (other.exact, other.smallest) else other
        both = Sides(max(self.smallest, other.smallest), self.exact or other.exact,
                     lcm(self.multiple_of, other.multiple_of), stricter.because)  # fmt: skip
        clash = self.exact and other.exact and self.exact != other.exact
        if clash or (both.exact and not both.takes(both.exact)):
            raise DataError(f"no side of images suits both: {self.because}, {other.because}; choose other nets")
        return both

    def takes(self, side: int) -> bool:
        """Whether images of this side go in as they are."""
        return side >= self.smallest and side % self.multiple_of == 0 and self.exact in (0, side)

    def nearest(self, side: int) -> int:
        """The side itself where it is taken, else the next one that is."""
        return self.exact or -(-max(side, self.smallest) // self.multiple_of) * self.multiple_of


def _words(smallest: int, exact: int) -> str:
    return f"exactly {exact}x{exact} pixels" if exact else f"{smallest}x{smallest} pixels and larger"
