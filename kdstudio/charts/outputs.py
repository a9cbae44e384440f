"""What nets said of the images of the probe sample at one evaluation, read from its records. No widgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.events import Watched
from kdstudio.charts.pictures import Guess, Tile
from kdstudio.history import History

SAMPLES, OUTPUTS = "samples", "outputs"
NETS = ("student", "teacher")


@dataclass(frozen=True)
class Order:
    """A way to sort samples: its words, and the column it sorts by, the largest first; empty: as they were drawn."""

    words: str
    column: str
    help: str
    upwards: bool = False


ORDERS = (
    Order("random", "", "As they were drawn"),
    Order("best", "student label", "The student gives their label the highest probability"),
    Order("worst", "student label", "The student gives their label the lowest probability", upwards=True),
    Order("most disagreed", "difference", "Student and teacher share out their probability most differently"),
)


class Pictures:
    """The images (N, h, w, C) of a run's sample, read once."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._record: Watched | None = None
        self._read: NDArray[Any] = np.zeros((0, 1, 1, 1), np.uint8)

    def all(self) -> NDArray[Any]:
        """All of them; none before they were shown."""
        records = self.history.watched.get(SAMPLES, [])
        if records and records[-1] is not self._record:
            self._record = records[-1]
            self._read = self.history.array(records[-1])
        return self._read


class Samples:
    """The images (N, h, w, C) of a run's sample with the outputs of one record, arrays of N rows."""

    def __init__(self, history: History, record: Watched, pictures: NDArray[Any]) -> None:
        first = history.watched[SAMPLES][-1]
        self.pictures = pictures
        self.labels = [str(n) for n in first.labels.get("label", [])]
        self.classes = [str(n) for n in first.labels.get("classes", [])]
        columns = [str(c) for c in record.labels.get("columns", [])]
        values = history.array(record).astype(np.float64)
        self.columns = {name: values[:, i] for i, name in enumerate(columns)}
        self.count = min(len(self.pictures), len(values))

    def orders(self) -> list[Order]:
        """The orders for which there are numbers: without labels nothing is right, without a teacher nobody disagrees."""
        return [o for o in ORDERS if not o.column or np.isfinite(self.columns[o.column]).any()]

    def chosen(self, order: Order, wanted: str) -> list[int]:
        """The samples in an order, all of them or those of one class (empty: all)."""
        rows = [i for i in range(self.count) if not wanted or (self.labels and self.labels[i] == wanted)]
        if not order.column:
            return rows
        value: Callable[[int], float] = lambda i: float(np.nan_to_num(self.columns[order.column][i]))  # noqa: E731
        return sorted(rows, key=value, reverse=not order.upwards)

    def tile(self, row: int) -> Tile:
        """A sample with its label and what each net names."""
        guesses = {who: self.guesses(who, row) for who in NETS}
        label = self.labels[row] if self.labels else ""
        return Tile((self.pictures[row],), label, {who: named for who, named in guesses.items() if named})

    def guesses(self, who: str, row: int) -> tuple[Guess, ...]:
        """The classes a net finds likeliest and their probabilities; none where there is no such net."""
        found = []
        for rank in (1, 2, 3):
            number, share = self.columns[f"{who} class {rank}"][row], self.columns[f"{who} share {rank}"][row]
            if np.isfinite(number):
                found.append((self.classes[int(number)], float(share)))
        return tuple(found)
