"""The log at the foot of the Run screen: its newest line always; on request all of it, or what matters, or what is sought."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from engine.events import Severity
from kdstudio import theme
from kdstudio.charts.picker import switch
from kdstudio.charts.steady import Elided
from kdstudio.history import History
from kdstudio.history.journal import Line
from kdstudio.quantities import seconds
from kdstudio.widgets.icons import TextButton

TONES = {"info": "text", "warning": "warning", "error": "problem"}
LEVELS: dict[str, tuple[Severity, ...]] = {
    "all": ("info", "warning", "error"),
    "warnings": ("warning", "error"),
    "errors": ("error",),
}
"""What can be shown -> the severities that belong to it."""
LINES = 5000
"""Of so many lines the view keeps the newest; the run's folder has them all."""


class Logbook(QWidget):
    """A foldable list of sentences; while folded, the newest one stands beside the button."""

    def __init__(self) -> None:
        super().__init__()
        self._history = History()
        self._written = 0
        self._level = "all"
        self.button = TextButton("Log", "quiet", "chevron-right")
        self.button.setCheckable(True)
        self.button.setToolTip("Show or hide the log")
        self.newest = Elided()
        self.counts = theme.set_role(QLabel(), "faint")
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search the log")
        self.search.setAccessibleName("Search the log")
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(theme.CELL)
        self.levels = {words: switch(words, f"Show {words} of the log") for words in LEVELS}
        self.text = theme.set_role(QPlainTextEdit(), "mono")
        self._build()

    def _build(self) -> None:
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(LINES)
        self.text.setFixedHeight(180)
        self.text.setAccessibleName("Log")
        self.text.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addWidget(self.newest, 1)
        row.addWidget(self.counts)
        group = QButtonGroup(self)
        for words, button in self.levels.items():
            group.addButton(button)
            row.addWidget(button)
            button.clicked.connect(lambda _checked=False, words=words: self._choose(words))
        self.levels["all"].setChecked(True)
        row.addWidget(self.search)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.text)
        for part in (*self.levels.values(), self.counts, self.search, self.text):
            part.setVisible(False)
        self.button.toggled.connect(self._fold)
        self.search.textChanged.connect(self._anew)
        theme.signals.changed.connect(self._anew)

    def show_history(self, history: History) -> None:
        """Speak of this run from now on."""
        self._history = history
        self._anew()

    def seek(self) -> None:
        """Unfold and search."""
        self.button.setChecked(True)
        self.search.setFocus()

    def _choose(self, level: str) -> None:
        self._level = level
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
            if self._wanted(line):
                self._write(line)
        if self._written != len(lines) or not lines:
            self.counts.setText(_counted(lines))
        self._written = len(lines)
        if follows:
            bar.setValue(bar.maximum())

    def _wanted(self, line: Line) -> bool:
        return line.severity in LEVELS[self._level] and self.search.text().strip().lower() in line.text.lower()

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
        for part in (*self.levels.values(), self.counts, self.search, self.text):
            part.setVisible(shown)
        self.refresh()


def _counted(lines: list[Line]) -> str:
    """How many warnings and errors there are; nothing where there is none."""
    found = {words: sum(line.severity == severity for line in lines) for words, severity in
             (("warning", "warning"), ("error", "error"))}  # fmt: skip
    return ", ".join(f"{count} {words}{'s' * (count > 1)}" for words, count in found.items() if count)


def _format(tone: str) -> QTextCharFormat:
    form = QTextCharFormat()
    form.setForeground(theme.colour(tone))
    return form
