"""Runs that were cut short: looked for at the start, marked in the rail, offered for resume on the Runs screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSettings

if TYPE_CHECKING:
    from engine.runs import RunRow
    from kdstudio.window import Window

LATER = 1500
"""Milliseconds after the window is seen at which the runs are looked through: nobody waits for it."""

REFUSED = "runs/offered"
"""Runs that a person did not want to resume."""


def remembered(name: str) -> list[str]:
    """Texts that were kept under a name; Qt gives a list of one back as a text, and an empty one as nothing."""
    kept: Any = QSettings().value(name, [])
    return [kept] if isinstance(kept, str) else [str(each) for each in kept or []]


def among(rows: Iterable[RunRow]) -> list[RunRow]:
    """The runs that were cut short and that nobody refused to resume, newest first."""
    refused = set(remembered(REFUSED))
    cut = [row for row in rows if row.state == "interrupted" and not row.archived and row.name not in refused]
    return sorted(cut, key=lambda row: -row.started)


def refuse(rows: Iterable[RunRow]) -> None:
    """Offer none of those that are cut short now again."""
    QSettings().setValue(REFUSED, [row.name for row in rows if row.state == "interrupted"])


def look(window: Window) -> None:
    """Mark Runs in the rail where a run was cut short; what is on the disk is read beside the window's thread."""
    from engine import runs
    from kdstudio.chores import Chores

    def mark(rows: list[RunRow]) -> None:
        if among(rows) and "runs" not in window.built():
            item = window.rail.items["runs"]
            item.set_dot("warning")
            item.clicked.connect(lambda: item.set_dot(""))

    Chores(window).do(lambda: runs.listing(window.home), mark)
