"""Questions and refusals in a sheet of their own; none blocks the event loop."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QPushButton, QScrollArea, QToolButton, QVBoxLayout, QWidget

from kdstudio import theme
from kdstudio.widgets import boxes, tabbing
from kdstudio.widgets.icons import TextButton
from kdstudio.widgets.texts import label, wrapped

Answer = tuple[str, theme.Role, Callable[[], None]]
"""A button's words, its role, and what it does."""


class Sheet(QDialog):
    """A heading, a sentence, and answers. Escape gives none, Return the last that destroys nothing; the keyboard begins in the
    first field, where there is one."""

    def __init__(self, parent: QWidget, heading: str, sentence: str, answers: list[Answer]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(heading)
        self.setModal(True)
        self.setFixedWidth(theme.SIDE + theme.SPACE * 16)
        theme.set_role(self, "plain")
        self.column = boxes.column(theme.SPACE, self)
        boxes.pad(self.column, theme.MARGIN)
        self.column.addWidget(label(heading, "heading"))
        self.sentence = wrapped(sentence, "muted")
        self.column.addWidget(self.sentence)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(0, theme.SPACE, 0, theme.SPACE)
        self.body.setSpacing(theme.SPACE)
        self.column.addLayout(self.body)
        self.buttons = {words: self._button(words, role, call) for words, role, call in answers}
        self.column.addStretch(1)
        row = boxes.row(theme.SPACE)
        row.addStretch(1)
        for button in self.buttons.values():
            row.addWidget(button)
        self.column.addLayout(row)
        safe = [words for words, role, _ in answers if role != "danger"]
        self.usual = self.buttons[safe[-1]]
        self.usual.setDefault(True)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes as one reads."""
        return tabbing.step(self, forward=forward)

    def showEvent(self, event: QShowEvent) -> None:
        """Give the keyboard to the first field, else to what scrolls, else to the usual answer."""
        super().showEvent(event)
        inside = [part for part in tabbing.order(self) if not isinstance(part, (QPushButton, QToolButton))]
        fields = [part for part in inside if not isinstance(part, QScrollArea)]
        next(iter([*fields, *inside, self.usual])).setFocus(Qt.FocusReason.OtherFocusReason)

    def _button(self, words: str, role: theme.Role, call: Callable[[], None]) -> TextButton:
        button = TextButton(words, role)
        button.setAutoDefault(False)
        button.clicked.connect(call)
        return button


def ask(parent: QWidget, heading: str, sentence: str, answers: list[Answer]) -> Sheet:
    """Open a sheet; every answer closes it."""

    def closing(call: Callable[[], None]) -> Callable[[], None]:
        def answer() -> None:
            sheet.accept()
            call()

        return answer

    sheet = Sheet(parent, heading, sentence, [(words, role, closing(call)) for words, role, call in answers])
    sheet.open()
    return sheet


def tell(parent: QWidget, heading: str, sentence: str) -> Sheet:
    """Open a sheet that only says something."""
    return ask(parent, heading, sentence, [("Close", "primary", lambda: None)])


class NameSheet(Sheet):
    """Asks for a title; shows the name it makes, and what is wrong with it. `take` gives a refusal or nothing."""

    def __init__(self, parent: QWidget, title: str, named: Callable[[str], str], take: Callable[[str], str]) -> None:
        self._named, self._take = named, take
        super().__init__(
            parent, "Save as a preset of your own", "Only what differs from the presets below it is written.",
            [("Cancel", "secondary", self.reject), ("Save", "primary", self._save)],
        )  # fmt: skip
        self.setObjectName("name-sheet")
        self.title = QLineEdit(title)
        self.title.setAccessibleName("Title")
        self.name = wrapped("", "mono")
        self.wrong = wrapped("", "problem")
        self.body.addWidget(label("Title", "label"))
        self.body.addWidget(self.title)
        self.body.addWidget(self.name)
        self.body.addWidget(self.wrong)
        self.title.textChanged.connect(self._show)
        self.title.selectAll()
        self._show(title)

    def _show(self, title: str) -> None:
        self.name.setText(self._named(title))
        self.wrong.setText("")
        self.buttons["Save"].setEnabled(bool(title.strip()))

    def _save(self) -> None:
        refusal = self._take(self.title.text().strip())
        if refusal:
            self.wrong.setText(refusal)
        else:
            self.accept()
