"""The table of runs on the screen: columns that are chosen, moved and remembered, a selection that survives a new look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QSettings, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QStyledItemDelegate, QTableView

from engine.runs import RunRow
from kdstudio import theme
from kdstudio.screens.runs.cells import Dots, Sparks, Titles
from kdstudio.screens.runs.columns import COLUMNS, CURVE, DEFAULT, STATE, TITLE
from kdstudio.screens.runs.cut_short import remembered
from kdstudio.screens.runs.table import RunTable

KEPT = "runs/columns"
LINE = theme.SPACE * 4 + theme.HALF
LEAST = theme.SPACE * 22
"""Pixels of a line, and of the title at least."""


class RunView(QTableView):
    """Shows a `RunTable`; the title takes the width that the other columns leave."""

    def __init__(self, table: RunTable) -> None:
        super().__init__()
        self._table = table
        self._drawn: dict[str, QStyledItemDelegate] = {STATE: Dots(self), TITLE: Titles(self), CURVE: Sparks(self)}
        self._plain = QStyledItemDelegate(self)
        self._own = self._laid = False
        self.setModel(table)
        self._dress()
        self.set_columns(_kept())
        head = self.horizontalHeader()
        head.sectionMoved.connect(lambda *_: QTimer.singleShot(0, self, self._follow_head))
        head.sectionResized.connect(lambda *_: self._fit())
        theme.signals.changed.connect(self.viewport().update)

    def chosen(self) -> list[RunRow]:
        """The selected runs, in the order of the table."""
        numbers = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [row for number in numbers for row in self._table.lines[number]]

    def choose(self, paths: Sequence[Path]) -> None:
        """Select the lines of some runs, and nothing else."""
        wanted, found = set(paths), QItemSelection()
        for number, line in enumerate(self._table.lines):
            if any(row.path in wanted for row in line):
                index = self._table.index(number, 0)
                found.select(index, index)
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().select(found, flags.ClearAndSelect | flags.Rows)
        if found.indexes():
            self.selectionModel().setCurrentIndex(found.indexes()[0], flags.NoUpdate)

    def keeping(self, change: Callable[[], Any]) -> None:
        """Change what the table shows; what was selected stays so, as far as it is there."""
        chosen = [row.path for row in self.chosen()]
        change()
        if chosen:
            self.choose(chosen)

    def column_keys(self) -> list[str]:
        """The columns, from the left."""
        return [column.key for column in self._table.columns]

    def take_columns(self, keys: Sequence[str]) -> None:
        """Have these columns from now on and remember them; none stands for the usual ones."""
        QSettings().setValue(KEPT, list(keys))
        self.set_columns(keys)

    def set_columns(self, keys: Sequence[str]) -> None:
        """Have these columns: state and title are always there; none stands for the usual ones, with where runs come from as
        soon as one comes from another."""
        self._own = bool(keys)
        chosen = [STATE, TITLE, *(key for key in keys if key not in (STATE, TITLE))] if keys else self._usual()
        if chosen == self.column_keys() and self._laid:
            return
        self._laid = True
        by = self._table.sorted_by()
        self.keeping(lambda: self._table.set_columns(chosen))
        self._lay_out()
        if by in chosen:
            head = self.horizontalHeader()
            head.blockSignals(True)
            head.setSortIndicator(chosen.index(by), head.sortIndicatorOrder())
            head.blockSignals(False)

    def _usual(self) -> list[str]:
        """The columns nobody chose: teacher and parent where a run has one."""
        rows = self._table.rows
        has = {"teacher": any(row.teacher not in ("", "none") for row in rows), "parent": any(row.parent for row in rows)}
        return [key for key in DEFAULT if has.get(key, True)]

    def refresh_columns(self) -> None:
        """Look whether the usual columns are others by now."""
        if not self._own:
            self.set_columns(())

    def _lay_out(self) -> None:
        for number, column in enumerate(self._table.columns):
            self.setItemDelegateForColumn(number, self._drawn.get(column.key, self._plain))
            self.setColumnWidth(number, column.width)
        self._fit()

    def _fit(self) -> None:
        """Give the title what is left; on a very wide screen the other columns stay near it, so that a row can be followed."""
        head, keys = self.horizontalHeader(), self.column_keys()
        title = keys.index(TITLE)
        others = sum(head.sectionSize(i) for i in range(head.count()) if i != title)
        head.blockSignals(True)
        self.setColumnWidth(title, min(max(LEAST, self.viewport().width() - others), theme.LINE))
        head.blockSignals(False)
        self.updateGeometries()
        self.viewport().update()

    def _follow_head(self) -> None:
        """A person moved a column: the table has them in that order from now on."""
        head = self.horizontalHeader()
        keys = [self.column_keys()[head.logicalIndex(i)] for i in range(head.count())]
        if keys == self.column_keys():
            return
        head.blockSignals(True)
        for i in range(head.count()):
            head.moveSection(head.visualIndex(i), i)
        head.blockSignals(False)
        self.take_columns(keys)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The title takes the new width."""
        super().resizeEvent(event)
        self._fit()

    def _dress(self) -> None:
        self.setSortingEnabled(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setAccessibleName("Runs")
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(LINE)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setMinimumSectionSize(theme.SPACE * 6)
        head.setSectionsMovable(True)
        font = self.font()
        font.setFeature(font.Tag("tnum"), 1)
        self.setFont(font)


def _kept() -> list[str]:
    """The columns that were chosen last time; a setting has a dot in its name."""
    return [key for key in remembered(KEPT) if key in COLUMNS or "." in key]
