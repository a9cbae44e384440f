"""Runs that were cut short and are to be offered for resume, as long as nobody refused that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSettings

if TYPE_CHECKING:
    from engine.runs import RunRow

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
