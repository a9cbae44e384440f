"""The top of Runs: the filter with what it says, and what concerns the whole table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QMenu, QToolButton, QWidget

from engine.runs import RunRow, fields, filtering
from engine.runs.filtering import FilterError
from kdstudio import theme
from kdstudio.screens.runs import columns as run_columns
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import IconButton, TextButton, icon
from kdstudio.widgets.texts import Elided, label, sentence_case

EXAMPLE = "top1 > 90 and method:dkd and tag:paper not archived"


class Head(QWidget):
    """`filtered` carries a filter that could be read; one that cannot leaves the table as it is, and says why.
    `columns_changed` carries the keys of the chosen columns, none for the usual ones."""

    filtered = Signal(object)
    grouped = Signal(bool)
    columns_changed = Signal(list)

    def __init__(self, columns: Callable[[], Sequence[str]], rows: Callable[[], Iterable[RunRow]]) -> None:
        """`columns` are those of the table now, `rows` all runs there are."""
        super().__init__()
        self._columns, self._rows = columns, rows
        self.search = QLineEdit()
        self.group = QToolButton()
        self.columns = IconButton("columns", "Choose the columns")
        self.folder = TextButton("Open folder…", "secondary", "folder")
        self.more = IconButton("more", "More: archived runs, clean up, the bin, save the table")
        self.count = Elided("", "muted")
        self.said = Elided("", "problem")
        self._dress()
        self._lay_out()
        self.search.textChanged.connect(self._read)
        self.group.toggled.connect(self.grouped)
        self.columns.clicked.connect(lambda: self.menu().popup(self.columns.mapToGlobal(self.columns.rect().bottomLeft())))

    def _dress(self) -> None:
        self.search.setPlaceholderText(f"Filter, such as {EXAMPLE}")
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(2 * theme.SIDE + theme.SPACE * 16)
        self.search.setAccessibleName("Filter runs")
        self.search.setToolTip(_help())
        self.search.addAction(icon("search", "faint"), QLineEdit.ActionPosition.LeadingPosition).setText("Filter")
        theme.set_role(self.group, "segment")
        self.group.setText("Group seeds")
        self.group.setCheckable(True)
        self.group.setToolTip("One line for all repeats of an experiment, with their mean and deviation")
        self.folder.setToolTip("Show a run that lies anywhere else")

    def _lay_out(self) -> None:
        row = boxes.row(theme.SPACE)
        row.addWidget(label("Runs", "title"))
        row.addSpacing(theme.SPACE)
        row.addWidget(self.search, 100)
        row.addStretch(1)
        for part in (self.group, self.columns, self.folder, self.more):
            row.addWidget(part)
        below = boxes.row(theme.GAP)
        below.addWidget(self.count)
        below.addStretch(1)
        below.addWidget(self.said)
        column = boxes.column(theme.SPACE, self)
        column.addLayout(row)
        column.addLayout(below)

    def _read(self, text: str) -> None:
        try:
            found = filtering.read(text)
        except FilterError as error:
            self._say(str(error))
            return
        self._say("")
        self.filtered.emit(found)

    def _say(self, sentence: str) -> None:
        self.said.setText(sentence_case(sentence) + ("" if not sentence or sentence.endswith("?") else "."))
        self.said.setToolTip(sentence)
        wrong = bool(sentence)
        if self.search.property("wrong") != wrong:
            self.search.setProperty("wrong", wrong)
            theme.restyle(self.search)

    def menu(self) -> QMenu:
        """The columns there are, those of the table checked."""
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        shown = list(self._columns())
        for heading, choices in run_columns.offered(self._rows()):
            inside = menu if heading == "Columns" else menu.addMenu(heading)
            inside.setEnabled(bool(choices))
            for key, words in choices:
                action = inside.addAction(words)
                action.setCheckable(True)
                action.setChecked(key in shown)
                action.setData(key)
                action.toggled.connect(lambda on, key=key: self._choose(key, on))
        menu.addSeparator()
        menu.addAction("The usual ones").triggered.connect(lambda: self.columns_changed.emit([]))
        return menu

    def _choose(self, key: str, wanted: bool) -> None:
        shown = [each for each in self._columns() if each != key]
        self.columns_changed.emit([*shown, key] if wanted else shown)


def _help() -> str:
    known = "".join(f"<tr><td><b>{name}</b>&nbsp;</td><td>{field.help}</td></tr>" for name, field in fields.FIELDS.items())
    return (
        f"<p><b>{EXAMPLE.replace('>', '&gt;')}</b></p><p>Words are searched everywhere; <b>and</b> may be left out, <b>or</b>, "
        "<b>not</b> and brackets are understood, and <b>*</b> stands for anything. Every setting can be asked for by its name, "
        f"such as <b>training.epochs = 200</b>.</p><table>{known}</table>"
    )
