"""The Runs screen: the filter above, the table, what is selected below, and the wires between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QMenu, QStackedWidget, QWidget

from engine.runs import Overview, RunRow, filtering
from kdstudio import actions, theme
from kdstudio.background.chores import Chores
from kdstudio.quantities import moment, size
from kdstudio.screens.runs import cut_short
from kdstudio.screens.runs.columns import TITLE
from kdstudio.screens.runs.deeds import Deeds
from kdstudio.screens.runs.foot import Foot
from kdstudio.screens.runs.head import Head
from kdstudio.screens.runs.keys import Keys
from kdstudio.screens.runs.menus import menu
from kdstudio.screens.runs.strip import Strip
from kdstudio.screens.runs.table import RunTable, lacks_repeats
from kdstudio.screens.runs.view import RunView
from kdstudio.widgets import boxes
from kdstudio.widgets.empty import EmptyState
from kdstudio.widgets.icons import TextButton

REFRESH = 2000
"""Milliseconds between two looks at the folders, while the table is seen."""


class RunsScreen(QWidget):
    """The table over one folder of runs."""

    open_requested = Signal(Path)
    resume_requested = Signal(Path)
    clone_requested = Signal(Path)
    setup_requested = Signal()
    branch_requested = Signal(Path, dict)
    """The folder of a run, and what is set otherwise in one that branches from it."""
    compare_requested = Signal(list)
    """The folders of the selected runs, in the order of the table; at least two."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        theme.set_role(self, "plain")
        self.home = home
        self.deeds = Deeds(self, home)
        self.table = RunTable(self.deeds.rename)
        self.shown = self.table
        self.view = RunView(self.table)
        self.head = Head(self.view.column_keys, lambda: self.table.rows)
        self.foot = Foot()
        self.strip, self.offer = Strip(), Strip()
        self.search, self.folder, self.count = self.head.search, self.head.folder, self.head.count
        self.open, self.resume, self.clone = self.foot.open, self.foot.resume, self.foot.clone
        self.branch, self.compare = self.foot.branch, self.foot.compare
        self._undo: Callable[[], None] | None = None
        self._pages = QStackedWidget()
        self._overview = Overview(home)
        self._chores = Chores(self)
        self._looking, self._looked, self._busy = False, False, ""
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH)
        self._timer.timeout.connect(self.refresh)
        self._build()
        self._wire()
        self._keys = Keys(self)
        self._allow()

    def _build(self) -> None:
        self.view.sortByColumn(self.view.column_keys().index("started"), Qt.SortOrder.DescendingOrder)
        self.head.group.setChecked(QSettings().value("runs/grouped", False, bool) is True)
        self.table.set_grouped(self.head.group.isChecked())
        self._pages.addWidget(theme.set_role(QWidget(), "plain"))  # until the folder has been read
        self._pages.addWidget(self.view)
        words = "Every run you start is kept in its own folder and listed here: to open, compare, resume or branch from."
        set_up = TextButton("Set up an experiment", "primary", "setup")
        set_up.clicked.connect(self.setup_requested)
        self._pages.addWidget(EmptyState("runs", "No runs yet", words, set_up))
        column = boxes.column(theme.SPACE + 2, self)
        boxes.pad(column, *theme.PAGE)
        for part in (self.head, self.offer, self.strip):
            column.addWidget(part)
        column.addWidget(self._pages, 1)
        column.addWidget(self.foot)

    def _wire(self) -> None:
        self._chores.failed.connect(self._cannot_look)
        self.deeds.changed.connect(self.refresh)
        self.deeds.said.connect(self._tell)
        self.deeds.branch_chosen.connect(self.branch_requested)
        self.head.filtered.connect(self._filter)
        self.head.grouped.connect(self._group)
        self.head.columns_changed.connect(self.view.take_columns)
        self.head.folder.clicked.connect(self._open_folder)
        self.view.activated.connect(lambda _: self.open_chosen())
        self.view.customContextMenuRequested.connect(lambda at: self._pop(self.view.viewport().mapToGlobal(at)))
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._allow())
        self.table.modelReset.connect(self._allow)
        self.open.clicked.connect(self.open_chosen)
        self.resume.clicked.connect(lambda: self._emit(self.resume_requested))
        self.clone.clicked.connect(lambda: self._emit(self.clone_requested))
        self.branch.clicked.connect(lambda: self.deeds.ask_branch(self.chosen_all()[0]))
        self.compare.clicked.connect(lambda: self.compare_requested.emit([row.path for row in self.chosen_all()]))
        self.foot.more.clicked.connect(lambda: self._pop(self.foot.more.mapToGlobal(QPoint(0, 0))))
        self.head.more.clicked.connect(
            lambda: self._whole().popup(self.head.more.mapToGlobal(self.head.more.rect().bottomLeft()))
        )
        self.offer.close_button.clicked.connect(self._not_now)

    # What others see

    def set_trainer_state(self, state: str) -> None:
        """What the trainer is doing: nothing can be resumed while a run goes on."""
        self._busy = state if state != "idle" else ""
        self._allow()

    def refresh(self) -> None:
        """Look at the folders; the table follows when they have been read."""
        if not self._looking:
            self._looking = True
            self._chores.do(self._overview.look, self._take)

    def chosen(self) -> RunRow | None:
        """The selected run; None where none or several are selected."""
        rows = self.chosen_all()
        return rows[0] if len(rows) == 1 else None

    def chosen_all(self) -> list[RunRow]:
        """The selected runs, in the order of the table."""
        return self.view.chosen()

    def choose(self, *paths: Path) -> None:
        """Select runs by their folders, and nothing else."""
        self.view.choose(paths)

    def wait(self) -> None:
        """Until the folders have been read and everything asked for is done: for the end of the program."""
        self._chores.wait()
        self.deeds.chores.wait()

    # What the table shows

    def _take(self, rows: list[RunRow]) -> None:
        self._looking = False
        self.view.keeping(lambda: self.table.show_rows(rows))
        self.view.refresh_columns()
        self._pages.setCurrentIndex(1 if rows else 2)
        if not self._looked:
            self._looked = True
            self._offer_resume()
        self._allow()

    def _cannot_look(self, sentence: str) -> None:
        self._looking = False
        self._tell(f"{self.home} cannot be read: {sentence}", "problem", None)

    def _filter(self, chosen: filtering.Filter) -> None:
        self.view.keeping(lambda: self.table.set_filter(chosen))

    def _group(self, on: bool) -> None:
        QSettings().setValue("runs/grouped", on)
        self.view.keeping(lambda: self.table.set_grouped(on))

    def toggle_archived(self) -> None:
        """Show archived runs too, or no longer."""
        self.view.keeping(lambda: self.table.set_archived(not self.table.archived))

    def _allow(self) -> None:
        rows = self.chosen_all()
        goes_on = len(rows) == 1 and not self._busy and self._goes_on(rows[0])
        self.foot.show_chosen(rows, goes_on=goes_on)
        self.foot.setVisible(bool(self.table.rows))
        there, shown = len(self.table.rows), sum(map(len, self.table.lines))
        hidden = self.table.hidden()
        runs = f"{there:,} run{'s' * (there != 1)}"
        said = [f"{shown:,} of {runs}" if shown != there else runs] if there else []
        said += [f"{hidden:,} archived"] if hidden else []
        said += [size(sum(row.size for row in self.table.rows))] if there else []
        self.count.setText(" · ".join(said))

    def _goes_on(self, run: RunRow) -> bool:
        """Whether something of a run is left: of itself, or repeats after it."""
        return run.state in ("interrupted", "stopped", "failed") or lacks_repeats(run, self.table.rows)

    # What a person does

    def open_chosen(self) -> None:
        """Open the selected run, or of a line of several show these apart."""
        rows = self.chosen_all()
        if len(rows) > 1 and len(self.view.selectionModel().selectedRows()) == 1:
            self.head.group.setChecked(False)
            self.search.setText(f'group = "{rows[0].group}"')
        else:
            self._emit(self.open_requested)

    def _open_folder(self) -> None:
        chosen = actions.ask_folder(self, "Open the folder of a run", self.home)
        if chosen is not None:
            self.open_requested.emit(chosen)

    def _emit(self, signal: object) -> None:
        run = self.chosen()
        if run is not None:
            signal.emit(run.path)  # type: ignore[attr-defined]

    def rename_chosen(self) -> None:
        """Open the title of the selected run for writing."""
        number = self.view.selectionModel().selectedRows()[0].row()
        self.view.edit(self.table.index(number, self.view.column_keys().index(TITLE)))

    def known_tags(self) -> list[str]:
        """Every tag there is, the most used first."""
        used = [tag for row in self.table.rows for tag in row.tags]
        return sorted(set(used), key=lambda tag: (-used.count(tag), tag))

    def _tell(self, sentence: str, tone: str, undo: Callable[[], None] | None) -> None:
        self._undo = undo
        self.strip.say(sentence, tone, {"Undo": self.undo} if undo else {})

    def can_undo(self) -> bool:
        """Whether the last thing that was done can be taken back."""
        return self._undo is not None

    def undo(self) -> None:
        """Take back what was done last."""
        undo, self._undo = self._undo, None
        if undo is not None:
            self.strip.hide()
            undo()

    def _offer_resume(self) -> None:
        """Offer the newest run that was cut short, unless a person did not want that."""
        cut = cut_short.among(self.table.rows)
        if not cut:
            return
        row = cut[0]
        others = f", and {len(cut) - 1} more were" if len(cut) > 1 else ""
        words = f"“{row.title}”, started {moment(row.started)}, was cut short{others}."
        answers: dict[str, Callable[[], object]] = {"Resume": lambda: self.resume_requested.emit(row.path)}
        if len(cut) > 1:
            answers["Show them"] = lambda: self.search.setText("interrupted")
        self.offer.say(words, "warning", answers)

    def _not_now(self) -> None:
        cut_short.refuse(self.table.rows)

    # Menus

    def save_table(self) -> None:
        """Write what the table shows as CSV."""
        self.deeds.take_table([row for line in self.table.lines for row in line], self.table.columns)

    def _pop(self, at: QPoint) -> None:
        menu(self, *self._keys.of_chosen).popup(at)

    def _whole(self) -> QMenu:
        return menu(self, *self._keys.of_all)

    def showEvent(self, event: QShowEvent) -> None:
        """Look now, and again while the table is seen."""
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: rest."""
        super().hideEvent(event)
        self._timer.stop()
