"""What a dataset is once loaded, and what a dataset's file hands over before it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import lcm

from torch import Tensor

from engine.cards import NetCard
from engine.data.split import Split
from engine.experiment import DatasetSettings


class DataError(ValueError):
    """Images that cannot be used; the sentence names the file or setting and what to do."""


@dataclass(frozen=True)
class Pictures:
    """A dataset in memory. `mean` and `std` are measured on `train` (per channel, pixels in [0, 1]); `shape` is
    (C, H, W); `notes` are sentences about what was done to the images; `settings` says how batches are augmented."""

    train: Split
    heldout: Split | None
    test: Split | None
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    shape: tuple[int, int, int]
    notes: tuple[str, ...]
    settings: DatasetSettings

    @property
    def classes(self) -> int:
        """How many classes."""
        return len(self.class_names)


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


@dataclass(frozen=True)
class Pile:
    """Images not yet in memory: their labels (N,) int64, and a reader from positions (n,) and a side to uint8
    (n, C, side, side)."""

    labels: Tensor
    images: Callable[[Tensor, int], Tensor]


@dataclass(frozen=True)
class Source:
    """What a dataset's file hands over: its piles (test and held-out where it brings them) and the images' own side."""

    train: Pile
    test: Pile | None
    heldout: Pile | None
    class_names: tuple[str, ...]
    channels: int
    side: int
    notes: tuple[str, ...] = ()
