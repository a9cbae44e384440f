"""The table of runs as Qt sees it: what a filter lets through, sorted by value, repeats apart or as one row each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from engine.presets import PresetError
from engine.runs import RunError, RunFolder, RunRow, filtering
from kdstudio import theme
from kdstudio.screens.runs.columns import CURVE, DEFAULT, OVER_SEEDS, STATE, TITLE, Column, Group, column, groups, ordered

Index = QModelIndex | QPersistentModelIndex
RUN = Qt.ItemDataRole.UserRole
"""The run of a row; of several in one row the newest."""
CURVES = Qt.ItemDataRole.UserRole + 1
TAGS = Qt.ItemDataRole.UserRole + 2
PARENT = Qt.ItemDataRole.UserRole + 3

TONES = {"running": "accent", "done": "good", "stopped": "warning", "interrupted": "warning", "failed": "problem"}
"""State -> the colour of its dot."""

EVERYTHING = filtering.Filter("", lambda row: True)


def lacks_repeats(row: RunRow, rows: Sequence[RunRow]) -> bool:
    """Whether a finished run is the last of its group although its experiment wants more; not where it cannot be read."""
    if row.state != "done" or any(r.group == row.group and r.seed > row.seed for r in rows):
        return False
    try:
        run = RunFolder.open(row.path).experiment().experiment.run
    except (RunError, PresetError):
        return False
    return row.seed < run.seed + run.repeats - 1


class RunTable(QAbstractTableModel):
    """Every run a row, or every group of repeats. `rows` are all runs there are, `lines` those that are shown, one or more
    to a line."""

    def __init__(self, renamed: Callable[[Path, str], None] = lambda path, title: None) -> None:
        """`renamed` is called with a run's folder and the title that a person gave it."""
        super().__init__()
        self.rows: list[RunRow] = []
        self.lines: list[list[RunRow]] = []
        self.columns: list[Column] = [column(key) for key in DEFAULT]
        self.grouped = False
        self.archived = False
        self._groups: dict[str, Group] = {}
        self._filter = EVERYTHING
        self._renamed = renamed
        self._sorted = ("started", True)

    # What is shown

    def show_rows(self, rows: list[RunRow]) -> bool:
        """Take new rows; whether the lines are others than before, so that a selection must be looked for anew."""
        if rows == self.rows:
            return False
        self.rows, self._groups = rows, groups(rows)
        lines = self._arranged()
        if [[r.path for r in line] for line in lines] == [[r.path for r in line] for line in self.lines]:
            self.lines = lines
            self.dataChanged.emit(self.index(0, 0), self.index(len(lines) - 1, len(self.columns) - 1))
            return False
        self._reset(lines)
        return True

    def set_filter(self, chosen: filtering.Filter) -> None:
        """Show only what a filter holds for."""
        self._filter = chosen
        self._reset(self._arranged())

    def set_grouped(self, grouped: bool) -> None:
        """Show the repeats of an experiment as one line, or each run as a line of its own."""
        self.grouped = grouped
        self._reset(self._arranged())

    def set_archived(self, shown: bool) -> None:
        """Show archived runs too, whatever the filter says of them."""
        self.archived = shown
        self._reset(self._arranged())

    def set_columns(self, keys: Sequence[str]) -> None:
        """Have these columns, in this order."""
        self.beginResetModel()
        self.columns = [column(key) for key in keys]
        self.endResetModel()

    def sort(self, number: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order the lines by a column; runs that lack a value stand last either way."""
        if not 0 <= number < len(self.columns):
            return
        self._sorted = (self.columns[number].key, order == Qt.SortOrder.DescendingOrder)
        self.layoutAboutToBeChanged.emit()
        before = [_known(line) for line in self.lines]
        self.lines = self._arranged()
        now = {_known(line): row for row, line in enumerate(self.lines)}
        for index in self.persistentIndexList():  # the selection among them
            row = now.get(before[index.row()])
            self.changePersistentIndex(index, QModelIndex() if row is None else self.index(row, index.column()))
        self.layoutChanged.emit()

    def sorted_by(self) -> str:
        """The key of the column by which the lines are ordered."""
        return self._sorted[0]

    def hidden(self) -> int:
        """How many archived runs are there but not shown."""
        return 0 if self._shows_archived() else sum(row.archived for row in self.rows)

    def _shows_archived(self) -> bool:
        return self.archived or self._filter.speaks_of_archived

    def _arranged(self) -> list[list[RunRow]]:
        holds, all_of = self._filter.holds, self._shows_archived()
        found = [row for row in self.rows if (all_of or not row.archived) and holds(row)]
        by, descending = self._sorted
        found = ordered(found, self._mean if by == OVER_SEEDS else column(by).value, descending)
        if not self.grouped:
            return [[row] for row in found]
        lines: dict[str, list[RunRow]] = {}
        for row in found:
            lines.setdefault(row.group or row.name, []).append(row)
        return list(lines.values())

    def _mean(self, row: RunRow) -> float | None:
        group = self._groups.get(row.group)
        return group.mean if group else None

    def _reset(self, lines: list[list[RunRow]]) -> None:
        self.beginResetModel()
        self.lines = lines
        self.endResetModel()

    # What Qt asks

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """How many lines there are."""
        return 0 if parent.isValid() else len(self.lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """How many columns there are."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The head of a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        asked = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return asked.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return asked.help or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(asked)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The title of a run can be changed."""
        usual = super().flags(index)
        one = index.isValid() and len(self.lines[index.row()]) == 1
        return usual | Qt.ItemFlag.ItemIsEditable if one and self.columns[index.column()].key == TITLE else usual

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Take a new title; an empty one is the run's own again."""
        row = self.lines[index.row()][0]
        if role != Qt.ItemDataRole.EditRole or str(value).strip() == row.title:
            return False
        self._renamed(row.path, str(value))
        return True

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell says."""
        line, asked = self.lines[index.row()], self.columns[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._words(line, asked)
            case Qt.ItemDataRole.EditRole:
                return line[0].title
            case Qt.ItemDataRole.TextAlignmentRole:
                return _side(asked)
            case Qt.ItemDataRole.DecorationRole:
                return dot(TONES[_state(line)]) if asked.key == STATE else None
            case Qt.ItemDataRole.ForegroundRole:
                return theme.colour("faint") if all(row.archived for row in line) else None
            case Qt.ItemDataRole.ToolTipRole:
                return self._tip(line)
        if role == RUN:
            return line[0]
        return self._painted(line, asked, role)

    def _painted(self, line: list[RunRow], asked: Column, role: int) -> Any:
        """What the table's delegates draw."""
        if role == CURVES and asked.key == CURVE:
            return [row.curve for row in line]
        if role == TAGS and asked.key == TITLE:
            return tuple(sorted({tag for row in line for tag in row.tags}))
        if role == PARENT and asked.key == TITLE:
            return line[0].parent
        return None

    def _tip(self, line: list[RunRow]) -> str:
        """The whole title, how many repeats the mean is of, where it comes from, its tags and note, and where it lies."""
        row, group = line[0], self._groups.get(line[0].group)
        said = [row.title, *([f"{group} % over {group.count} finished repeats"] if group else [])]
        if row.parent:
            said.append(f"Started from {column('parent').words(row)}")
        said += [" ".join(row.tags)] if row.tags else []
        said += [row.note] if row.note else []
        return "\n".join((*said, str(row.path) if len(line) == 1 else f"{len(line)} runs"))

    def _words(self, line: list[RunRow], asked: Column) -> str:
        if asked.key == OVER_SEEDS:
            return str(self._groups.get(line[0].group, ""))
        if len(line) == 1:
            return asked.words(line[0])
        if asked.key == "seed":
            return f"× {len(line)}"
        if asked.key == STATE:
            return _state(line)
        different = {asked.words(row) for row in line}
        if len(different) == 1 and asked.key not in SUMMED:
            return different.pop()
        return _together(asked, line) if asked.number else SEVERAL

    def paths(self, numbers: Sequence[int]) -> list[Path]:
        """The folders of all runs in some lines."""
        return [row.path for number in numbers for row in self.lines[number]]


SUMMED = ("time", "size")
"""Columns whose numbers are added up over the runs of a line; those of others are averaged."""


SEVERAL = "several"
"""What a line says where its runs differ."""


def _together(asked: Column, line: list[RunRow]) -> str:
    """A number of several runs: its sum, the newest point in time, or its mean, in the words of the column."""
    values = [value for row in line if isinstance(value := asked.value(row), (int, float))]
    if not values:
        return ""
    one = sum(values) if asked.key in SUMMED else max(values) if asked.key == "started" else sum(values) / len(values)
    return asked.said(one)


def _known(line: list[RunRow]) -> frozenset[Path]:
    """By what a line is found again wherever it stands."""
    return frozenset(row.path for row in line)


def _state(line: list[RunRow]) -> str:
    """What became of several runs: what needs looking at comes first."""
    states = {row.state for row in line}
    return next(state for state in ("running", "failed", "interrupted", "stopped", "done") if state in states)


def _side(asked: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if asked.number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def dot(tone: str) -> QColor:
    """The colour that stands for a state; painted as a dot by the table's delegate."""
    return theme.colour(tone)
