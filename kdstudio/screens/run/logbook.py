"""The log at the foot of the Run screen: its newest line always, all of it on request."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from kdstudio import theme
from kdstudio.charts.steady import Elided
from kdstudio.history import History
from kdstudio.icons import TextButton
from kdstudio.journal import Line, seconds

TONES = {"info": "text", "warning": "warning", "error": "problem"}
LINES = 5000
"""Of so many lines the view keeps the newest; the run's folder has them all."""


class Logbook(QWidget):
    """A foldable list of sentences; while folded, the newest one stands beside the button."""

    def __init__(self) -> None:
        super().__init__()
        self._history = History()
        self._written = 0
        self.button = TextButton("Log", "quiet", "chevron-right")
        self.button.setCheckable(True)
        self.button.setToolTip("Show or hide the log")
        self.newest = Elided()
        self.text = theme.set_role(QPlainTextEdit(), "mono")
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(LINES)
        self.text.setFixedHeight(180)
        self.text.setAccessibleName("Log")
        self.text.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.text.setVisible(False)
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addWidget(self.newest, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.text)
        self.button.toggled.connect(self._fold)
        theme.signals.changed.connect(self._anew)

    def show_history(self, history: History) -> None:
        """Speak of this run from now on."""
        self._history = history
        self._anew()

    def _anew(self) -> None:
        self._written = 0
        self.text.clear()
        self.refresh()

    def refresh(self) -> None:
        """Write the lines that are new."""
        lines = self._history.log
        folded = self.text.isHidden()
        self.newest.set_text(lines[-1].text if lines and folded else "")
        if folded:
            return
        bar = self.text.verticalScrollBar()
        follows = bar.value() >= bar.maximum() - 4
        for line in lines[max(self._written, len(lines) - LINES) :]:
            self._write(line)
        self._written = len(lines)
        if follows:
            bar.setValue(bar.maximum())

    def _write(self, line: Line) -> None:
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if not self.text.document().isEmpty():
            cursor.insertBlock()
        moment = datetime.fromtimestamp(line.at).strftime("%H:%M:%S") if line.at else "        "
        cursor.insertText(f"{moment}  {seconds(line.clock):>8}  ", _format("faint"))
        form = _format(TONES[line.severity])
        if line.severity != "info":
            form.setFontWeight(QFont.Weight.DemiBold)
        cursor.insertText(line.text, form)

    def _fold(self, shown: bool) -> None:
        self.button.set_icon("chevron-down" if shown else "chevron-right")
        self.text.setVisible(shown)
        self.refresh()


def _format(tone: str) -> QTextCharFormat:
    form = QTextCharFormat()
    form.setForeground(theme.colour(tone))
    return form
