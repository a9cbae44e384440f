"""What stands on a screen that has nothing to show yet: what is missing, and what to do about it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QWidget

from kdstudio import theme
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import IconLabel
from kdstudio.widgets.texts import label, wrapped

SIGN = theme.SPACE * 6


class EmptyState(QWidget):
    """An icon, what is missing, what to do, and buttons that do it, in the middle of the room there is. With a title it is a
    whole screen."""

    def __init__(self, icon: str, heading: str, words: str, *buttons: QAbstractButton, title: str = "") -> None:
        super().__init__()
        self.heading, self.words, self.buttons = heading, words, buttons
        middle = Qt.AlignmentFlag.AlignCenter
        said = wrapped(words, "muted")
        said.setAlignment(middle)
        said.setFixedWidth(theme.SIDE + theme.SPACE * 10)
        column = boxes.column(theme.SPACE, self)
        if title:
            boxes.pad(column, *theme.PAGE)
            named = label(title, "title")
            named.setFixedHeight(theme.CONTROL)  # where the other screens have buttons beside it
            column.addWidget(named)
        column.addStretch(2)
        column.addWidget(IconLabel(icon, "strong_line", SIGN), 0, middle)
        column.addWidget(label(heading, "heading"), 0, middle)
        line = boxes.row(0)  # with an alignment of its own in the column it would get the height of one line
        line.addStretch(1)
        line.addWidget(said)
        line.addStretch(1)
        column.addLayout(line)
        row = boxes.row(theme.SPACE)
        row.addStretch(1)
        for button in buttons:
            row.addWidget(button)
        row.addStretch(1)
        column.addSpacing(theme.SPACE)
        column.addLayout(row)
        column.addStretch(3)
