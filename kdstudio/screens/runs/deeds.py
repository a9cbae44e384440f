"""What a person does with runs: mark, archive, delete and undo, branch, clean up, take away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from engine.runs import RunFolder, RunRow, bin, cleaning, marks, tables, tensorboard
from engine.runs.bin import Binned
from engine.runs.cleaning import Removal
from engine.runs.marks import Marks
from engine.runs.points import Point, points
from kdstudio import actions
from kdstudio.background.chores import Chores
from kdstudio.quantities import size
from kdstudio.screens.runs.cleaning_sheet import BinSheet, CleaningSheet
from kdstudio.screens.runs.columns import Column
from kdstudio.screens.runs.sheets import BranchSheet, MarksSheet
from kdstudio.widgets import asking

Undo = Callable[[], None]


class Deeds(QObject):
    """Everything here happens beside the window's thread; `changed` says when the table must look again, `said` a sentence with
    its tone, and `undone_by` what takes it back (None where nothing does)."""

    changed = Signal()
    said = Signal(str, str, object)
    branch_chosen = Signal(Path, dict)

    def __init__(self, screen: QWidget, home: Path) -> None:
        super().__init__(screen)
        self._screen, self._home = screen, home
        self.chores = Chores(self)
        self.chores.failed.connect(self._refused)

    # Marks

    def rename(self, path: Path, title: str) -> None:
        """Give a run another title; an empty one is its own again."""
        self._mark({path: {"title": title}}, f"The run is called “{title.strip()}” now.")

    def ask_marks(self, rows: Sequence[RunRow], known: Sequence[str]) -> None:
        """The sheet of tags and note."""

        def take(add: set[str], drop: set[str], note: str | None) -> None:
            said = {} if note is None else {"note": note}
            told = {row.path: {"tags": tuple((set(row.tags) | add) - drop), **said} for row in rows}
            self._mark(told, f"{_runs(rows)} marked.")

        MarksSheet(self._screen.window(), rows, known, take).open()

    def archive(self, rows: Sequence[RunRow]) -> None:
        """Archive runs, or bring them back where all of them are archived."""
        wanted = not all(row.archived for row in rows)
        words = "archived: “archived” in the filter shows them." if wanted else "back from the archive."
        self._mark({row.path: {"archived": wanted} for row in rows}, f"{_runs(rows)} {words}")

    def _mark(self, told: dict[Path, dict[str, Any]], sentence: str) -> None:
        def work() -> dict[Path, Marks]:
            return {path: marks.change(path, **said) for path, said in told.items()}

        def back(before: dict[Path, Marks]) -> None:
            self.chores.do(lambda: marks.write_all(before), lambda _: self.changed.emit())

        self.chores.do(work, lambda before: self._tell(sentence, "", partial(back, before)))

    # The bin, and cleaning

    def delete(self, rows: Sequence[RunRow]) -> None:
        """Move runs into the bin; where other runs stand on them, ask first."""
        paths = [row.path for row in rows]
        self.chores.do(lambda: bin.dependents(self._home, paths), lambda needed: self._delete(rows, needed))

    def _delete(self, rows: Sequence[RunRow], needed: dict[str, tuple[str, ...]]) -> None:
        if not needed:
            self._put(rows)
            return
        told = "; ".join(f"{name} by {', '.join(children)}" for name, children in needed.items())
        asking.ask(
            self._screen.window(), "Other runs stand on these", f"They are needed to go on or to be run again: {told}.",
            [("Cancel", "secondary", lambda: None), ("Delete all the same", "danger", lambda: self._put(rows))],
        )  # fmt: skip

    def _put(self, rows: Sequence[RunRow]) -> None:
        def told(binned: list[Binned]) -> None:
            self._tell(f"{_runs(rows)} moved into the bin.", "", partial(self.put_back, binned))

        self.chores.do(lambda: bin.put(self._home, [row.path for row in rows]), told)

    def put_back(self, binned: Sequence[Binned]) -> None:
        """Take runs out of the bin."""
        self.chores.do(lambda: bin.restore(self._home, binned), lambda _: self.changed.emit())

    def open_bin(self) -> None:
        """The sheet of the bin."""

        def told(freed: int) -> None:
            self._tell(f"{size(freed)} are free again.", "good", None)

        def empty(binned: list[Binned]) -> None:
            self.chores.do(lambda: bin.empty(binned), told)

        def show(binned: list[Binned]) -> None:
            BinSheet(self._screen.window(), binned, self.put_back, empty).open()

        self.chores.do(lambda: bin.contents(self._home), show)

    def clean(self, rows: Sequence[RunRow]) -> None:
        """The sheet that shows what a cleaning would remove."""

        def told(done: tuple[int, list[Binned]]) -> None:
            freed, binned = done
            said = f"{size(freed)} are free again." + (f" {len(binned):,} runs moved into the bin." if binned else "")
            self._tell(said, "good", partial(self.put_back, binned) if binned else None)

        def take(plan: list[Removal]) -> None:
            self.chores.do(lambda: cleaning.carry_out(self._home, plan), told)

        CleaningSheet(self._screen.window(), rows, self.chores, take).open()

    # Branching, and taking away

    def ask_branch(self, row: RunRow) -> None:
        """The sheet of the states from which a run can branch."""

        def take(which: str) -> None:
            self.branch_chosen.emit(row.path, branch(row, which, self._home))

        def show(found: list[Point]) -> None:
            BranchSheet(self._screen.window(), row, found, take).open()

        self.chores.do(lambda: points(row.path), show)

    def take_curves(self, rows: Sequence[RunRow], into: str) -> None:
        """Write the curves of runs into a folder: `csv` or `tensorboard`."""
        words = {"csv": "Folder for a CSV of each run", "tensorboard": "Folder for TensorBoard: tensorboard --logdir it"}
        out, paths = actions.ask_folder(self._screen, words[into], Path.home()), [row.path for row in rows]
        if out is None:
            return

        def work() -> None:
            for path in paths:
                run = RunFolder.open(path)
                if into == "csv":
                    tables.save_curves(run, out / f"{path.name}.csv")
                else:
                    tensorboard.write(run, out)

        how = f" See them with: tensorboard --logdir {out}" if into == "tensorboard" else ""
        self.chores.do(work, lambda _: self._tell(f"{_runs(rows)} written into {out}.{how}", "good", None))

    def take_table(self, rows: Sequence[RunRow], columns: Sequence[Column]) -> None:
        """Write the table of runs as CSV, in its columns."""
        head = [(column.key, column.value) for column in columns]
        target = actions.ask_where(self._screen, "Save the table", "runs.csv", "CSV (*.csv)")
        if target is not None:
            said = f"{_runs(rows)} written into {target}."
            self.chores.do(lambda: tables.save_rows(rows, head, target), lambda _: self._tell(said, "good", None))

    def _tell(self, sentence: str, tone: str, undo: Undo | None) -> None:
        self.said.emit(sentence, tone, undo)
        self.changed.emit()

    def _refused(self, sentence: str) -> None:
        self.said.emit(sentence, "problem", None)
        self.changed.emit()


def branch(row: RunRow, which: str, home: Path) -> dict[str, Any]:
    """What is set otherwise in a run that branches from the state `which` of another."""
    name = row.name if row.path.parent.resolve() == home.resolve() else str(row.path)
    return {
        "student.checkpoint": which,  # the first is what the form shows
        "student.source": "run",
        "student.run": name,
        "student.normalization": "auto",
        "student.class_order": [],
        "title": f"{row.title}, branched",
    }


def _runs(rows: Sequence[RunRow]) -> str:
    return f"“{rows[0].title}”" if len(rows) == 1 else f"{len(rows):,} runs"
