"""The entries of a card's menu with which it is taken away: its numbers, or its picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QWidget

from kdstudio import actions
from kdstudio.charts import export
from kdstudio.charts.card import Card


def dress(card: Card, owner: QWidget, name: str, finish: Callable[[], None]) -> None:
    """Give a card these entries. The names that are proposed for files begin with `name`; `finish` draws what still waits."""

    def take(title: str, file: str, kinds: str, write: Callable[[Path], None]) -> None:
        finish()
        actions.take_away(owner, title, file, kinds, write)

    for words, kinds, write in (
        ("Save numbers as CSV…", "CSV (*.csv)", lambda path: export.save_csv(card.table(), path)),
        ("Save picture as PNG…", "PNG (*.png)", partial(export.save_png, card)),
        ("Save picture as SVG…", "SVG (*.svg)", partial(export.save_svg, card)),
    ):
        file = f"{name}-{card.title.lower().replace(' ', '-')}.{kinds[:3].lower()}"
        card.add_action(words, partial(take, words.rstrip("…"), file, kinds, write))
    card.add_action("Copy picture", partial(export.copy_picture, card))
