"""The line above the screens while an entry of the queue is being edited."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame

from kdstudio import theme
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import IconLabel, TextButton
from kdstudio.widgets.texts import Elided


class EditBanner(QFrame):
    """Says which entry it is; `left` asks to leave it as it was."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        theme.set_role(self, "banner")
        self.words = Elided("")
        self.leave = TextButton("Leave it as it was", "quiet")
        self.leave.clicked.connect(self.left)
        row = boxes.row(theme.SPACE, self)
        boxes.pad(row, theme.MARGIN, theme.HALF)
        row.addWidget(IconLabel("edit", "accent"))
        row.addWidget(self.words, 1)
        row.addWidget(self.leave)

    def show_title(self, title: str) -> None:
        """Show which entry is being edited."""
        self.words.setText(f"You are editing “{title}” of the queue. It waits until you put it back.")
        self.show()
