"""The button with which a comparison is taken away as a report, in one of three forms."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QMenu, QWidget

from engine.comparison import Comparison, page, text
from kdstudio import actions, commands
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
        if found is None:
            return

        def written(path: Path) -> None:
            write(found, path)

        actions.take_away(self._owner, f"Save as {word}", f"{name or 'comparison'}{ending}", kinds, written)
