"""Sheets that make room: a cleaning that shows first what it would remove, and the bin."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHeaderView, QSpinBox, QTableWidget, QTableWidgetItem, QWidget

from engine.runs import RunRow, cleaning
from engine.runs.bin import Binned
from engine.runs.cleaning import Removal, Rules
from kdstudio import theme
from kdstudio.background.chores import Chores
from kdstudio.quantities import moment, size
from kdstudio.widgets import boxes
from kdstudio.widgets.asking import Sheet
from kdstudio.widgets.texts import label, wrapped

WIDE = theme.SPACE * 90
HIGH = theme.SPACE * 30
WHAT = {"run": "whole run, into the bin", "checkpoints": "checkpoints", "curves": "copies of curves"}


class CleaningSheet(Sheet):
    """Rules at the top, below them what they would remove; `take` gets what the person agreed to."""

    def __init__(self, parent: QWidget, rows: Sequence[RunRow], chores: Chores, take: Callable[[list[Removal]], None]) -> None:
        taken = f"{_runs(len(rows))} take{'s' * (len(rows) == 1)} {size(sum(row.size for row in rows))}."
        super().__init__(
            parent, "Clean up",
            f"{taken} What goes on, what is tagged “keep” and what other runs still start from is never touched.",
            [("Cancel", "secondary", self.reject), ("Remove", "danger", self._save)],
        )  # fmt: skip
        self.setObjectName("cleaning-sheet")
        self.setFixedWidth(WIDE)
        self._rows, self._chores, self._take = rows, chores, take
        self.plan: list[Removal] = []
        self._asked = 0
        self.checkpoints = QCheckBox("Checkpoints of finished runs: their students stay, but nothing can branch from them")
        self.failed = QCheckBox("Runs that failed or were cut short before their first epoch")
        self.old = QCheckBox("Of each experiment all runs but the newest")
        self.curves = QCheckBox("Copies of curves, kept to be quick: they are made anew when they are wanted")
        self.last = QSpinBox()
        self.last.setRange(1, 999)
        self.last.setValue(5)
        self.last.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.last.setAccessibleName("Newest runs to keep of each experiment")
        self.table = _table(("run", "what goes", "why", "frees"))
        self.sum = label("", "strong")
        self._lay_out()
        for box in (self.checkpoints, self.failed, self.old, self.curves):
            box.toggled.connect(self.look)
        self.last.valueChanged.connect(self.look)
        self.checkpoints.setChecked(True)

    def rules(self) -> Rules:
        """What the person ticked."""
        return Rules(
            self.last.value() if self.old.isChecked() else 0, self.failed.isChecked(), self.checkpoints.isChecked(),
            self.curves.isChecked(),
        )  # fmt: skip

    def look(self) -> None:
        """Work out beside the window what would go; an answer to older rules is not shown."""
        rules, rows = self.rules(), self._rows
        self._asked += 1
        number = self._asked
        self.last.setEnabled(self.old.isChecked())
        self.buttons["Remove"].setEnabled(False)
        self._chores.do(lambda: cleaning.plan(rows, rules), lambda plan: self._show(plan, number))

    def _show(self, plan: list[Removal], number: int) -> None:
        if number != self._asked:
            return
        self.plan = plan
        titles = {row.path: row.title for row in self._rows}
        _fill(self.table, [(titles[r.path], WHAT[r.what], r.why, size(r.size)) for r in plan])
        runs, freed = sum(r.what == "run" for r in plan), sum(r.size for r in plan if r.what != "run")
        said = [f"{size(freed)} at once"] if freed else []
        if runs:
            said.append(f"{size(sum(r.size for r in plan if r.what == 'run'))} once the bin is emptied ({_runs(runs)})")
        self.sum.setText(f"Frees {' and '.join(said)}." if said else "Nothing would go.")
        self.buttons["Remove"].setEnabled(bool(plan))

    def _lay_out(self) -> None:
        newest = boxes.row(theme.SPACE)
        newest.addWidget(self.old)
        newest.addWidget(self.last)
        newest.addStretch(1)
        self.body.addWidget(self.checkpoints)
        self.body.addWidget(self.failed)
        self.body.addLayout(newest)
        self.body.addWidget(self.curves)
        self.body.addWidget(self.table)
        self.body.addWidget(self.sum)

    def _save(self) -> None:
        self._take(self.plan)
        self.accept()


class BinSheet(Sheet):
    """What lies in the bin; what is selected is put back, all of it is deleted for good."""

    def __init__(
        self, parent: QWidget, binned: Sequence[Binned], back: Callable[[list[Binned]], None],
        empty: Callable[[list[Binned]], None],
    ) -> None:  # fmt: skip
        taken = size(sum(each.size for each in binned))
        said = f"{_runs(len(binned))}, {taken}." if binned else "The bin is empty."
        super().__init__(
            parent, "The bin", said,
            [("Delete all for good", "danger", self._empty), ("Put back", "secondary", self._back),
             ("Close", "primary", self.reject)],
        )  # fmt: skip
        self.setObjectName("bin-sheet")
        self.setFixedWidth(WIDE)
        self._binned, self._put_back, self._delete = list(binned), back, empty
        self.table = _table(("run", "deleted", "takes"))
        _fill(self.table, [(each.name, moment(each.at), size(each.size)) for each in binned])
        self.sure = wrapped("", "problem")
        self.body.addWidget(self.table)
        self.body.addWidget(self.sure)
        self.buttons["Delete all for good"].setEnabled(bool(binned))
        self.buttons["Put back"].setEnabled(False)
        self.table.itemSelectionChanged.connect(lambda: self.buttons["Put back"].setEnabled(bool(self._chosen())))

    def _chosen(self) -> list[Binned]:
        return [self._binned[index.row()] for index in self.table.selectionModel().selectedRows()]

    def _back(self) -> None:
        self._put_back(self._chosen())
        self.accept()

    def _empty(self) -> None:
        """Asks once more: the second press deletes."""
        if not self.sure.text():
            self.sure.setText("They cannot come back then. Press again to delete them.")
            return
        self._delete(self._binned)
        self.accept()


def _runs(count: int) -> str:
    return f"{count:,} run{'s' * (count != 1)}"


def _table(heads: Sequence[str]) -> QTableWidget:
    made = QTableWidget(0, len(heads))
    made.setHorizontalHeaderLabels(heads)
    made.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    made.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
    made.setShowGrid(False)
    made.setWordWrap(False)
    made.verticalHeader().setVisible(False)
    made.setFixedHeight(HIGH)
    made.setAccessibleName(", ".join(heads))
    head = made.horizontalHeader()
    head.setHighlightSections(False)
    head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    return made


def _fill(table: QTableWidget, lines: Sequence[Sequence[str]]) -> None:
    table.setRowCount(len(lines))
    for i, line in enumerate(lines):
        for j, words in enumerate(line):
            item = QTableWidgetItem(words)
            item.setToolTip(words)
            table.setItem(i, j, item)
