"""A strip above the table: one sentence and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from kdstudio import theme
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import IconButton, TextButton
from kdstudio.widgets.texts import Elided


class Strip(QWidget):
    """Hidden until something is to be said; a click on one of its answers hides it again."""

    def __init__(self) -> None:
        super().__init__()
        theme.set_role(self, "banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.words = Elided()
        self.answers: dict[str, TextButton] = {}
        self.close_button = IconButton("close", "Not now", size=theme.ICON_SMALL)
        self.close_button.clicked.connect(self.hide)
        self._row = boxes.row(theme.SPACE, self)
        boxes.pad(self._row, theme.GAP, theme.HALF)
        self._row.addWidget(self.words, 1)
        self._row.addWidget(self.close_button)
        self.hide()

    def say(self, words: str, tone: str, answers: dict[str, Callable[[], object]]) -> None:
        """Show a sentence; `tone` is good, warning, problem or nothing; answers are words and what they do."""
        for old in self.answers.values():
            self._row.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.words.setText(words)
        self.words.setToolTip(words)
        self.answers = {said: self._answer(said, call) for said, call in answers.items()}
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            theme.restyle(self)
        self.show()

    def _answer(self, words: str, call: Callable[[], object]) -> TextButton:
        def act() -> None:
            self.hide()
            call()

        button = TextButton(words, "quiet")
        button.clicked.connect(act)
        self._row.insertWidget(self._row.count() - 1, button)
        return button
