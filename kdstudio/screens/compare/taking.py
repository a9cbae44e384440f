"""What is taken away from a comparison: the report in three forms, and each card as numbers or as a picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QMenu, QWidget

from engine.comparison import Comparison, page, text
from kdstudio import actions, commands
from kdstudio.charts import export
from kdstudio.charts.card import Card
from kdstudio.widgets.icons import TextButton

FORMS: tuple[tuple[str, str, str, Callable[[Comparison, Path], object]], ...] = (
    ("HTML", ".html", "HTML (*.html)", page.write),
    ("Markdown", ".md", "Markdown (*.md)", text.write_markdown),
    ("CSV", ".csv", "CSV (*.csv)", text.write_csv),
)
"""The form's word, the ending, the filter of the file dialogue, and what writes it."""


class ReportButton(TextButton):
    """A menu of forms; `shown` gives the comparison and the name under which it is saved."""

    def __init__(self, owner: QWidget, shown: Callable[[], tuple[Comparison | None, str]]) -> None:
        super().__init__("Report", "secondary", "export")
        self._owner, self._shown = owner, shown
        menu = QMenu(self)
        for word, ending, kinds, write in FORMS:
            call = partial(self._take, word, ending, kinds, write)
            menu.addAction(f"Save as {word}…", call)
            commands.offer(owner, f"Report of this comparison as {word}", call, icon="export", allowed=self.isEnabled)
        self.setMenu(menu)
        self.setToolTip("Results, plots, settings and matrices of these runs as one file")

    def _take(self, word: str, ending: str, kinds: str, write: Callable[[Comparison, Path], object]) -> None:
        found, name = self._shown()
        if found is not None:
            title, file = f"Save as {word}", f"{name or 'comparison'}{ending}"
            actions.take_away(self._owner, title, file, kinds, lambda path: _done(write(found, path)))


def dress(owner: QWidget, card: Card) -> None:
    """Give a card the entries of its menu with which it is taken away."""
    for words, kinds, write in (
        ("Save numbers as CSV…", "CSV (*.csv)", lambda path: export.save_csv(card.table(), path)),
        ("Save picture as PNG…", "PNG (*.png)", partial(export.save_png, card)),
        ("Save picture as SVG…", "SVG (*.svg)", partial(export.save_svg, card)),
    ):
        name = f"compare-{card.title.lower().replace(' ', '-')}.{kinds[:3].lower()}"
        card.add_action(words, partial(_take_card, owner, words.rstrip("…"), name, kinds, write))


def _take_card(owner: QWidget, title: str, name: str, kinds: str, write: Callable[[Path], None]) -> None:
    actions.take_away(owner, title, name, kinds, write)


def _done(made: object) -> None:
    """What was written is at the place that the person named."""
