"""The Runs screen: every run in a table; open one, resume what was cut short, clone one into the set-up."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QRectF,
    QRunnable,
    QSize,
    Qt,
    QThreadPool,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QHideEvent, QPainter, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QStackedWidget,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from engine import runs
from engine.runs import RunRow
from kdstudio import theme
from kdstudio.icons import IconLabel, TextButton
from kdstudio.run_table import RUN, STARTED, RunTable, Sorted, lacks_repeats

REFRESH = 2000
"""Milliseconds between two looks at the folders, while the table is seen."""
WIDTHS = (116, 160, 104, 84, 84, 100, 48, 62, 62, 112, 64, 140)
"""Pixels of the columns."""


class _Found(QObject):
    """Carries rows out of the thread that listed them."""

    rows = Signal(object)
    failed = Signal(str)


class _Look(QRunnable):
    """Lists a folder of runs beside the window's thread."""

    def __init__(self, home: Path, found: _Found) -> None:
        super().__init__()
        self._home, self._found = home, found

    def run(self) -> None:
        """List, and hand the rows over."""
        try:
            self._found.rows.emit(runs.listing(self._home))
        except OSError as error:
            self._found.failed.emit(f"{self._home} cannot be read: {error.strerror}")


class Dots(QStyledItemDelegate):
    """Paints a state's colour as a dot before its word."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        """Room for the dot, without the square Qt would paint."""
        super().initStyleOption(option, index)
        option.decorationSize = QSize(10, 10)  # type: ignore[attr-defined]
        option.icon = type(option.icon)()  # type: ignore[attr-defined]

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        """Word, then dot."""
        super().paint(painter, option, index)
        colour = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(colour, QColor):
            box = option.rect  # type: ignore[attr-defined]
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(QRectF(box.x() + 9, box.center().y() - 3.5, 8, 8))
            painter.restore()


class RunsScreen(QWidget):
    """The table over one folder of runs."""

    open_requested = Signal(Path)
    resume_requested = Signal(Path)
    clone_requested = Signal(Path)
    compare_requested = Signal(list)
    """The folders of the selected runs, in the order of the table; at least two."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        theme.set_role(self, "plain")
        self.home = home
        self.table = RunTable()
        self.shown = Sorted()
        self.shown.setSourceModel(self.table)
        self.view = QTableView()
        self.search = QLineEdit()
        self.count = theme.set_role(QLabel(), "muted")
        self.folder = TextButton("Open folder…", "secondary", "folder")
        self.open = TextButton("Open", "secondary", "run")
        self.resume = TextButton("Resume", "secondary", "play")
        self.clone = TextButton("Clone", "secondary", "clone")
        self.compare = TextButton("Compare", "secondary", "compare")
        self._pages = QStackedWidget()
        self._found = _Found()
        self._pool = QThreadPool(self)
        self._looking = False
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH)
        self._timer.timeout.connect(self.refresh)
        self._busy = ""
        self._build()
        self._wire()

    def _build(self) -> None:
        self._prepare_view()
        self.search.setPlaceholderText("Search titles, nets, methods, seeds…")
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(280)
        self.search.setAccessibleName("Search runs")
        self.open.setToolTip("Show this run as it was (Return, double click)")
        self.folder.setToolTip("Show a run that lies anywhere else")
        self.resume.setToolTip("Go on from its last checkpoint, or with the repeats that are missing")
        self.clone.setToolTip("Open the set-up with this run's experiment")
        self.compare.setToolTip("Lay the selected runs side by side; Ctrl or Shift selects several")
        head = QHBoxLayout()
        head.setSpacing(theme.SPACE)
        head.addWidget(theme.set_role(QLabel("Runs"), "title"))
        head.addWidget(self.count, 1)
        for part in (self.search, self.folder, self.open, self.resume, self.clone, self.compare):
            head.addWidget(part)
        self._pages.addWidget(theme.set_role(QWidget(), "plain"))  # until the folder has been read
        self._pages.addWidget(self.view)
        self._pages.addWidget(_empty())
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.MARGIN - 4, theme.GAP, theme.MARGIN - 4, theme.GAP)
        column.setSpacing(theme.GAP)
        column.addLayout(head)
        column.addWidget(self._pages, 1)

    def _prepare_view(self) -> None:
        view = self.view
        view.setModel(self.shown)
        view.setSortingEnabled(True)
        view.sortByColumn(STARTED, Qt.SortOrder.DescendingOrder)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setItemDelegateForColumn(0, Dots(view))
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.setAccessibleName("Runs")
        view.verticalHeader().setVisible(False)
        view.verticalHeader().setDefaultSectionSize(36)
        head = view.horizontalHeader()
        head.setHighlightSections(False)
        head.setMinimumSectionSize(48)
        for i, width in enumerate(WIDTHS):
            view.setColumnWidth(i, width)
        head.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        font = view.font()
        font.setFeature(font.Tag("tnum"), 1)
        view.setFont(font)

    def _wire(self) -> None:
        self._found.rows.connect(self._take)
        self._found.failed.connect(self._say)
        self.search.textChanged.connect(self._searched)
        self.view.activated.connect(lambda _: self._emit(self.open_requested))
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._allow())
        self.folder.clicked.connect(self._open_folder)
        self.open.clicked.connect(lambda: self._emit(self.open_requested))
        self.resume.clicked.connect(lambda: self._emit(self.resume_requested))
        self.clone.clicked.connect(lambda: self._emit(self.clone_requested))
        self.compare.clicked.connect(lambda: self.compare_requested.emit([row.path for row in self.chosen_all()]))
        theme.signals.changed.connect(self.view.viewport().update)
        self._allow()

    def set_trainer_state(self, state: str) -> None:
        """What the trainer is doing: nothing can be resumed while a run goes on."""
        self._busy = state if state != "idle" else ""
        self._allow()

    def refresh(self) -> None:
        """Look at the folders; the table follows when they have been read."""
        if not self._looking:
            self._looking = True
            self._pool.start(_Look(self.home, self._found))

    def chosen(self) -> RunRow | None:
        """The selected run; None where none or several are selected."""
        rows = self.chosen_all()
        return rows[0] if len(rows) == 1 else None

    def chosen_all(self) -> list[RunRow]:
        """The selected runs, in the order of the table."""
        return [i.data(RUN) for i in sorted(self.view.selectionModel().selectedRows(), key=lambda i: i.row())]

    def choose(self, path: Path, *more: Path) -> None:
        """Select runs by their folders, and nothing else."""
        wanted, found = {path, *more}, QItemSelection()
        for i in range(self.shown.rowCount()):
            index = self.shown.index(i, 0)
            if index.data(RUN).path in wanted:
                found.select(index, index)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.view.selectionModel().select(found, flags)
        if found.indexes():
            self.view.selectionModel().setCurrentIndex(found.indexes()[0], QItemSelectionModel.SelectionFlag.NoUpdate)

    def wait(self) -> None:
        """Until the folders have been read: for the end of the program."""
        self._pool.waitForDone()

    def _take(self, rows: list[RunRow]) -> None:
        self._looking = False
        chosen = [row.path for row in self.chosen_all()]
        if self.table.show_rows(rows) and chosen:
            self.choose(*chosen)
        self._pages.setCurrentIndex(1 if rows else 2)
        self._say_count()
        self._allow()

    def _say(self, sentence: str) -> None:
        self._looking = False
        self.count.setText(sentence)

    def _searched(self, text: str) -> None:
        self.shown.search(text)
        self._say_count()

    def _say_count(self) -> None:
        there, shown = len(self.table.rows), self.shown.rowCount()
        self.count.setText(f"{shown:,} of {there:,}" if shown != there else f"{there:,}" if there else "")

    def _allow(self) -> None:
        run = self.chosen()
        self.compare.setEnabled(len(self.chosen_all()) > 1)
        self.open.setEnabled(run is not None)
        self.clone.setEnabled(run is not None)
        self.resume.setEnabled(run is not None and not self._busy and self._goes_on(run))

    def _goes_on(self, run: RunRow) -> bool:
        """Whether something of a run is left: of itself, or repeats after it."""
        return run.state in ("interrupted", "stopped", "failed") or lacks_repeats(run, self.table.rows)

    def _open_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Open the folder of a run", str(self.home))
        if chosen:
            self.open_requested.emit(Path(chosen))

    def _emit(self, signal: object) -> None:
        run = self.chosen()
        if run is not None:
            signal.emit(run.path)  # type: ignore[attr-defined]

    def showEvent(self, event: QShowEvent) -> None:
        """Look now, and again while the table is seen."""
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: rest."""
        super().hideEvent(event)
        self._timer.stop()


def _empty() -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setSpacing(theme.SPACE)
    column.addStretch(2)
    middle = Qt.AlignmentFlag.AlignCenter
    column.addWidget(IconLabel("runs", "strong_line", 48), 0, middle)
    column.addWidget(theme.set_role(QLabel("No runs yet"), "heading"), 0, middle)
    words = "Every run you start is kept in its own folder and listed here."
    column.addWidget(theme.set_role(QLabel(words), "muted"), 0, middle)
    column.addStretch(3)
    return page
