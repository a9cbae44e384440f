"""Small tables of words and numbers inside panels."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from kdstudio import theme
from kdstudio.widgets.texts import label, wrapped


def grid(rows: Sequence[tuple[str, ...]], head: tuple[str, ...] = ()) -> QWidget:
    """A few short columns, under their heads where they have any: the first says what, the others are numbers."""
    made = QWidget()
    cells = QGridLayout(made)
    cells.setContentsMargins(0, 0, 0, 0)
    cells.setHorizontalSpacing(theme.GAP)
    cells.setVerticalSpacing(theme.HALF)
    for y, row in enumerate((head, *rows)):
        for x, words in enumerate(row):
            if x == 0 and y > 0:  # the words give way, the numbers do not
                cells.addWidget(wrapped(words, "muted"), y, x)
            else:
                side = Qt.AlignmentFlag.AlignLeft if x == 0 else Qt.AlignmentFlag.AlignRight
                cells.addWidget(label(words, "faint" if y == 0 else "plain"), y, x, side | Qt.AlignmentFlag.AlignTop)
    cells.setColumnStretch(0, 1)
    return made
