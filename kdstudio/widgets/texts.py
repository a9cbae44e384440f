"""Labels: words in a role, words that wrap, words that are elided where they do not fit."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QWidget

from kdstudio import theme
from kdstudio.widgets import boxes


def label(words: str, role: theme.Role = "plain", parent: QWidget | None = None) -> QLabel:
    """Words on one line; they can be selected where they are code."""
    made = QLabel(words, parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if role == "mono":
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made if role == "plain" else theme.set_role(made, role)


def wrapped(words: str, role: theme.Role = "plain", parent: QWidget | None = None) -> QLabel:
    """Words that take as many lines as they need."""
    made = label(words, role, parent)
    made.setWordWrap(True)
    policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(True)
    made.setSizePolicy(policy)
    return made


def paragraph(words: QLabel) -> QHBoxLayout:
    """Words that wrap, in a row of their own and not wider than is pleasant to read."""
    words.setMaximumWidth(theme.LINE)
    row = boxes.row(0)
    row.addWidget(words, 1)
    row.addStretch(0)  # gets what the words may not take
    return row


def chip(words: str = "", tone: str = "", parent: QWidget | None = None) -> QLabel:
    """A word on a soft ground; `tone` is accent, good, warning, problem or nothing."""
    made = label(words, "chip", parent)
    made.setProperty("tone", tone)
    made.setFixedHeight(theme.GAP + theme.HALF)
    return made


class Elided(QLabel):
    """Words on one line that end in dots where there is no room, or give way to shorter ones."""

    def __init__(self, words: str = "", role: theme.Role = "plain", parent: QWidget | None = None) -> None:
        super().__init__(words, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._shorter = ""
        if role != "plain":
            theme.set_role(self, role)

    def set_texts(self, words: str, shorter: str) -> None:
        """Words, and what to say where they do not fit."""
        self._shorter = shorter
        self.setText(words)

    def minimumSizeHint(self) -> QSize:
        """May shrink to nothing."""
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """As much of the words as fits."""
        metrics, room = self.fontMetrics(), self.contentsRect().width()
        fits = metrics.horizontalAdvance(self.text()) <= room or not self._shorter
        shown = metrics.elidedText(self.text() if fits else self._shorter, Qt.TextElideMode.ElideRight, room)
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.contentsRect(), int(self.alignment()), shown)
        painter.end()


def rule(parent: QWidget | None = None) -> QFrame:
    """A hairline across."""
    return theme.set_role(QFrame(parent), "line")


def sentence_case(words: str) -> str:
    """The first letter large, the others as they are."""
    return words[:1].upper() + words[1:]
