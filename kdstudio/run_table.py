"""The table of runs as Qt sees it: rows of `engine.runs.listing`, sortable by value, with what repeats agree on."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtGui import QColor

from engine.presets import PresetError
from engine.runs import RunError, RunFolder, RunRow
from kdstudio import theme
from kdstudio.journal import seconds

Index = QModelIndex | QPersistentModelIndex
RUN = Qt.ItemDataRole.UserRole
SORT = Qt.ItemDataRole.UserRole + 1

TONES = {"running": "accent", "done": "good", "stopped": "warning", "interrupted": "warning", "failed": "problem"}
"""State -> the colour of its dot."""


@dataclass(frozen=True)
class Group:
    """What the finished runs of one group agree on: mean and standard deviation (n - 1) of the best top-1, in percent."""

    mean: float
    deviation: float
    count: int

    def __str__(self) -> str:
        return f"{self.mean:.2f} ± {self.deviation:.2f}"


@dataclass(frozen=True)
class Column:
    """One column: its head, its words for a run, and what it sorts by."""

    title: str
    words: Callable[[RunRow], str]
    key: Callable[[RunRow], Any]
    number: bool = False
    help: str = ""


def _text(title: str, words: Callable[[RunRow], str], help: str = "") -> Column:
    return Column(title, words, lambda row: words(row).lower(), help=help)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _low(value: float | None) -> float:
    return -1.0 if value is None else value


COLUMNS = (
    _text("state", lambda r: r.state),
    _text("title", lambda r: r.title),
    _text("dataset", lambda r: r.dataset),
    _text("teacher", lambda r: "" if r.teacher == "none" else r.teacher),
    _text("student", lambda r: r.student),
    _text("methods", lambda r: " + ".join(r.methods) or "labels"),
    Column("seed", lambda r: str(r.seed), lambda r: r.seed, True),
    Column("last %", lambda r: _percent(r.top1_last), lambda r: _low(r.top1_last), True, "Top-1 of the last epoch"),
    Column("best %", lambda r: _percent(r.top1_best), lambda r: _low(r.top1_best), True, "Top-1 of the best epoch"),
    Column("over seeds %", lambda r: "", lambda r: 0, True, "Mean ± standard deviation of the best, over finished repeats"),
    Column(
        "time", lambda r: seconds(r.seconds) if r.seconds else "", lambda r: r.seconds, True, "Running time, without pauses"
    ),
    Column("started", lambda r: moment(r.started), lambda r: r.started, True),
)
OVER_SEEDS = next(i for i, c in enumerate(COLUMNS) if c.title.startswith("over"))
STARTED = len(COLUMNS) - 1


def moment(at: float) -> str:
    """A point in time in local words: `4 Mar 10:11`, with the year where it is not the present one."""
    if not at:
        return ""
    then = datetime.fromtimestamp(at)
    year = "" if then.year == datetime.now().year else f" {then.year}"
    return f"{then.day} {then:%b}{year} {then:%H:%M}"


def groups(rows: Sequence[RunRow]) -> dict[str, Group]:
    """Group -> its mean and deviation, for groups with at least two finished runs."""
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.group and row.state == "done" and row.top1_best is not None:
            found[row.group].append(row.top1_best)
    return {
        name: Group(statistics.fmean(values), statistics.stdev(values), len(values))
        for name, values in found.items()
        if len(values) > 1
    }


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
    """Every run a row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[RunRow] = []
        self._groups: dict[str, Group] = {}

    def show_rows(self, rows: list[RunRow]) -> bool:
        """Take new rows; whether they are other runs than before, so that a selection must be looked for anew."""
        if rows == self.rows:
            return False
        same = [r.path for r in rows] == [r.path for r in self.rows]
        if same:
            self.rows, self._groups = rows, groups(rows)
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(COLUMNS) - 1))
            return False
        self.beginResetModel()
        self.rows, self._groups = rows, groups(rows)
        self.endResetModel()
        return True

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """How many runs there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """How many columns there are."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The head of a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.help or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(column)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell says."""
        row, column = self.rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(row, index.column())
        if role == SORT:
            return self._key(row, index.column())
        if role == RUN:
            return row
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(column)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0:
            return dot(TONES[row.state])
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row)
        return None

    def _tip(self, row: RunRow) -> str:
        """The whole title, how many repeats the mean is of, and where the run lies."""
        group = self._groups.get(row.group)
        repeats = [f"{group} % over {group.count} finished repeats"] if group else []
        return "\n".join((row.title, *repeats, str(row.path)))

    def _words(self, row: RunRow, column: int) -> str:
        if column == OVER_SEEDS:
            return str(self._groups.get(row.group, ""))
        return COLUMNS[column].words(row)

    def _key(self, row: RunRow, column: int) -> Any:
        if column == OVER_SEEDS:
            group = self._groups.get(row.group)
            return group.mean if group else -1.0
        return COLUMNS[column].key(row)


def _side(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def dot(tone: str) -> QColor:
    """The colour that stands for a state; painted as a dot by the table's delegate."""
    return theme.colour(tone)


class Sorted(QSortFilterProxyModel):
    """The table sorted by value, and only the runs in which every searched word occurs."""

    def __init__(self) -> None:
        super().__init__()
        self.setSortRole(SORT)
        self.setDynamicSortFilter(True)
        self._words: list[str] = []

    def search(self, text: str) -> None:
        """Show only runs in which each of these words occurs somewhere."""
        self.beginFilterChange()
        self._words = text.lower().split()
        self.endFilterChange()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        """Whether a run holds all searched words."""
        source = self.sourceModel()
        assert isinstance(source, RunTable)
        run = source.rows[row]
        said = " ".join([run.name, run.group, *(c.words(run) for c in COLUMNS)]).lower()
        return all(word in said for word in self._words)
