"""The sheet on which the runs of a comparison are chosen among all there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QHeaderView, QLineEdit, QStackedWidget, QTableView, QWidget

from engine import runs
from engine.comparison import FEWEST, MOST
from engine.runs import RunError, RunRow, filtering
from engine.runs.filtering import FilterError
from engine.runs.rows import read
from kdstudio import theme
from kdstudio.charts.card import Waiting
from kdstudio.charts.figures import tabular
from kdstudio.quantities import moment
from kdstudio.widgets.asking import Sheet
from kdstudio.widgets.texts import label, sentence_case

Index = QModelIndex | QPersistentModelIndex
WIDE, HIGH = theme.SPACE * 90, theme.SPACE * 46
NONE_YET, NONE_FITS = "There are no runs in this folder yet.", "No run fits. Fewer words find more."
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def candidates(home: Path, chosen: Sequence[Path]) -> list[RunRow]:
    """The runs of a folder, the newest first, archived ones only where they are `chosen`; then what is chosen elsewhere."""
    rows = runs.listing(home)
    there = [row for row in rows if not row.archived or row.path in chosen]
    listed = {row.path for row in there}
    return there + [_read(path) for path in chosen if path not in listed]


def _read(path: Path) -> RunRow:
    if not path.is_dir():
        raise RunError(f"{path} is not there any more; compare other runs")
    return read(path)


class Choices(QAbstractTableModel):
    """Runs with a tick at those that are chosen, `chosen` in the order in which they were. `ticked`: they are others now."""

    ticked = Signal()
    HEADS = ("run", "methods", "top-1, %", "started")

    def __init__(self, rows: Sequence[RunRow], chosen: Sequence[Path]) -> None:
        super().__init__()
        self.every = list(rows)
        self.rows = self.every
        self.chosen = list(chosen)

    def filter(self, wanted: filtering.Filter) -> None:
        """Show those of which a filter holds."""
        self.beginResetModel()
        self.rows = [row for row in self.every if wanted.holds(row)]
        self.endResetModel()

    def toggle(self, row: int) -> None:
        """Tick a run, or take its tick away."""
        path = self.rows[row].path
        if path in self.chosen:
            self.chosen.remove(path)
        else:
            self.chosen.append(path)
        self.dataChanged.emit(self.index(row, 0), self.index(row, 0))
        self.ticked.emit()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """Runs."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """What is said of each."""
        return 0 if parent.isValid() else len(self.HEADS)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The first column has the tick."""
        tick = Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else Qt.ItemFlag.NoItemFlags
        return super().flags(index) | tick

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Tick by mouse or by Space."""
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        self.toggle(index.row())
        return True

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Words, the tick, and how they stand."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _words(row)[index.column()]
        if role == Qt.ItemDataRole.CheckStateRole and index.column() == 0:
            return Qt.CheckState.Checked if row.path in self.chosen else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.name}\n{row.dataset} · {row.student} · {row.state}"
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() >= 2:
            return int(RIGHT)
        if role == Qt.ItemDataRole.FontRole and index.column() >= 2:
            return tabular(theme.TEXT - 1)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What each column is."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(RIGHT if section >= 2 else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return self.HEADS[section] if role == Qt.ItemDataRole.DisplayRole else None


def _words(row: RunRow) -> tuple[str, str, str, str]:
    reached = row.state if row.top1_best is None else f"{row.top1_best:.2f}"
    return f"{row.title or row.name} · seed {row.seed}", ", ".join(row.methods), reached, moment(row.started)


class ChooseSheet(Sheet):
    """All runs with ticks, and the filter that Runs has; `take` gets the folders in the order of their ticks."""

    def __init__(
        self, parent: QWidget, rows: Sequence[RunRow], chosen: Sequence[Path], take: Callable[[list[Path]], None]
    ) -> None:
        super().__init__(
            parent, "Choose runs to compare", f"{FEWEST} to {MOST}. The one ticked first is the baseline; pin another later.",
            [("Cancel", "secondary", self.reject), ("Compare", "primary", self._take)],
        )  # fmt: skip
        self.setObjectName("choose-sheet")
        self.setFixedWidth(min(WIDE, parent.window().width() - theme.MARGIN * 2))
        self._taken = take
        self.model = Choices(rows, chosen)
        self.search = QLineEdit()
        self.table = QTableView()
        self.said = label("", "muted")
        self._pages = QStackedWidget()
        self._lay_out(min(HIGH, parent.window().height() - theme.SPACE * 40))
        self.search.textChanged.connect(self._filter)
        self.model.ticked.connect(self._count)
        self.table.doubleClicked.connect(lambda index: self.model.toggle(index.row()))
        self._show_rows()
        self._count()

    def _lay_out(self, high: int) -> None:
        self.search.setPlaceholderText("Filter, as in Runs")
        self.search.setAccessibleName("Filter the runs")
        self.search.setClearButtonEnabled(True)
        table, head = self.table, self.table.horizontalHeader()
        table.setAccessibleName("Runs")
        table.setModel(self.model)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        table.verticalHeader().hide()
        head.setHighlightSections(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._pages.addWidget(table)
        self._pages.addWidget(Waiting(NONE_FITS if self.model.every else NONE_YET))
        self._pages.setFixedHeight(high)
        self.body.addWidget(self.search)
        self.body.addWidget(self._pages)
        self.body.addWidget(self.said)

    def _filter(self, text: str) -> None:
        try:
            wanted = filtering.read(text)
        except FilterError as error:
            self.said.setText(sentence_case(str(error)))
            return
        self.model.filter(wanted)
        self._show_rows()
        self._count()

    def _show_rows(self) -> None:
        self._pages.setCurrentIndex(0 if self.model.rows else 1)
        if self.model.rows:
            self.table.setCurrentIndex(self.model.index(0, 0))

    def _count(self) -> None:
        count = len(self.model.chosen)
        self.buttons["Compare"].setEnabled(FEWEST <= count <= MOST)
        most = f"; at most {MOST} can be compared" if count > MOST else ""
        self.said.setText(f"{count} of {len(self.model.every):,} ticked{most}")

    def _take(self) -> None:
        self.accept()
        self._taken(self.model.chosen)
