"""Which place each card gets on a board of so many columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kdstudio.charts.arrangement import Size

TALL = 2
"""Rows that a large card takes."""


@dataclass(frozen=True)
class Place:
    """The first row and column of a card, and how many of them it takes."""

    row: int
    column: int
    span: int
    tall: int = 1


def places(sizes: Sequence[Size], columns: int) -> list[Place]:
    """The place of every card, in their order. A large card has rows of its own; in the rows between, cards stand as in
    `rows_of`."""
    found: dict[int, Place] = {}
    row, group = 0, list[int]()

    def end_group(row: int) -> int:
        """Lay the cards that wait in rows from `row` on; the next free row."""
        rows = rows_of([1 if sizes[i] == "small" else 2 for i in group], columns)
        for n, line in enumerate(rows):
            for i, column, span in line:
                found[group[i]] = Place(row + n, column, span)
        group.clear()
        return row + len(rows)

    for i, size in enumerate(sizes):
        if size == "large":
            row = end_group(row)
            found[i] = Place(row, 0, columns, TALL)
            row += TALL
        else:
            group.append(i)
    end_group(row)
    return [found[i] for i in range(len(sizes))]


def rows_of(spans: Sequence[int], columns: int) -> list[list[tuple[int, int, int]]]:
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
