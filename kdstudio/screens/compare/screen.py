"""The Compare screen: the runs at the left, what can be said of them in tabs; saved comparisons and the report above."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QTabWidget, QWidget

from engine.comparison import FEWEST, MOST, Comparison, Side, saved
from engine.comparison.sides import CompareError
from engine.runs import RunRow
from kdstudio import commands, theme
from kdstudio.background.chores import Chores
from kdstudio.charts import taking
from kdstudio.charts.board import RIGHT
from kdstudio.charts.card import Card, Waiting
from kdstudio.charts.picker import Picker
from kdstudio.screens.compare.choosing import ChooseSheet, candidates
from kdstudio.screens.compare.costs import CostsTab
from kdstudio.screens.compare.matrices import MatricesTab
from kdstudio.screens.compare.naming import SaveSheet
from kdstudio.screens.compare.plots import PlotsTab
from kdstudio.screens.compare.reading import Reader
from kdstudio.screens.compare.report import ReportButton
from kdstudio.screens.compare.results import ResultsTab
from kdstudio.screens.compare.roster import Roster
from kdstudio.screens.compare.settings import SettingsTab
from kdstudio.screens.compare.varied import VariedTab
from kdstudio.widgets import asking, boxes
from kdstudio.widgets.empty import EmptyState
from kdstudio.widgets.icons import TextButton
from kdstudio.widgets.texts import Elided, label

FOLLOW = 3000
"""Milliseconds between two looks at runs that still go on."""
EMPTY, READING, SHOWN = range(3)


class CompareScreen(QWidget):
    """Two to twenty runs of one folder of runs, or from anywhere else."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        theme.set_role(self, "plain")
        self.home, self._name = home, ""
        self.comparison: Comparison | None = None
        self.reader, self._chores = Reader(self), Chores(self)
        self.roster = Roster()
        self.plots = PlotsTab(self.reader, self.roster.visible_sides, self._dress)
        self.results, self.settings = ResultsTab(), SettingsTab()
        self.costs = CostsTab(self.roster.visible_sides, self._dress)
        self.varied = VariedTab(self.roster.visible_sides, self._dress)
        self.matrices = MatricesTab(self.roster.visible_sides, self._dress)
        self.tabs = QTabWidget()
        self.title = Elided("", "muted")
        self.saved = Picker("Saved comparisons")
        self.save = TextButton("Save…", "secondary", "save")
        self.forget = TextButton("Delete", "quiet")
        self.add = TextButton("Choose runs", "secondary", "runs")
        self.report = ReportButton(self, lambda: (self.comparison, self._name))
        self._choose = TextButton("Choose runs", "primary", "runs")
        self._pages = QStackedWidget()
        self._stamps: dict[str, int] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(FOLLOW)
        self._timer.timeout.connect(self.follow)
        self._build()
        self._wire()
        self._offer_saved()

    def _build(self) -> None:
        head = boxes.row(theme.SPACE)
        head.addWidget(label("Compare", "title"))
        head.addWidget(self.title, 1)
        for part in (self.saved, self.save, self.forget, self.add, self.report):
            head.addWidget(part)
        for tab, words in (
            (self.plots, "Plots"), (self.results, "Results"), (self.settings, "Settings"), (self.costs, "Accuracy and cost"),
            (self.varied, "What was varied"), (self.matrices, "Matrices"),
        ):  # fmt: skip
            self.tabs.addTab(_padded(tab, 0 if tab in (self.plots, self.costs, self.varied) else RIGHT), words)
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        body = QWidget()
        sides = boxes.row(theme.GAP, body)
        sides.addWidget(self.roster)
        sides.addWidget(self.tabs, 1)
        words = f"Choose {FEWEST} to {MOST} runs here, or select them in Runs and press Compare."
        self._pages.addWidget(EmptyState("compare", "Nothing to compare yet", words, self._choose))
        self._pages.addWidget(Waiting("Reading the runs…"))
        self._pages.addWidget(body)
        column = boxes.column(theme.SPACE, self)
        column.setContentsMargins(*theme.PAGE, 0, theme.GAP)
        head.setContentsMargins(0, 0, RIGHT, 0)
        column.addLayout(head)
        column.addWidget(self._pages, 1)
        self.forget.setToolTip("Forget the comparison that is open; its runs stay")

    def _wire(self) -> None:
        self.reader.compared.connect(self._show)
        self.reader.refused.connect(self._refuse)
        self.roster.changed.connect(self._refresh)
        self.roster.pinned.connect(self.pin)
        self.roster.removed.connect(self.remove)
        self.plots.pointed.connect(self.roster.point)
        self.costs.measured.connect(self.read_anew)
        self.save.clicked.connect(self._ask_name)
        self.forget.clicked.connect(self._forget)
        self.saved.activated.connect(lambda _: self.open_saved(str(self.saved.currentData() or "")))
        for button in (self.add, self._choose):
            button.clicked.connect(self.choose)
        commands.press(self, self.save, "Save this comparison", icon="save")
        commands.press(self, self.add, "Choose runs to compare", icon="runs")
        self._chores.failed.connect(self._refuse)
        self._allow()

    # What a person does

    def choose(self) -> None:
        """Offer all runs, with a tick at those that are compared now."""
        found = self.comparison
        chosen = [found.baseline.path, *(s.path for s in found.sides if s is not found.baseline)] if found is not None else []

        def take(paths: list[Path]) -> None:
            self.compare(paths, hidden=self.roster.hidden_paths())

        def show(rows: list[RunRow]) -> None:
            ChooseSheet(self, rows, chosen, take).open()

        self._chores.do(lambda: candidates(self.home, chosen), show)

    def compare(self, paths: list[Path], baseline: Path | None = None, hidden: tuple[Path, ...] = (), name: str = "") -> None:
        """Lay runs side by side; the first is the baseline unless another is named."""
        self._name = name
        self.roster.hidden = {path.name for path in hidden}
        if self.comparison is None:
            self._pages.setCurrentIndex(READING)
        self.reader.compare(paths, baseline, self.home)

    def read_anew(self) -> None:
        """The same runs as they are now."""
        if self.comparison is not None:
            found = self.comparison
            self.reader.compare([side.path for side in found.sides], found.baseline.path, self.home)

    def pin(self, name: str) -> None:
        """Compare the others with this run."""
        found = self.comparison
        if found is not None:
            side = next(side for side in found.sides if side.name == name)
            self._show_words(found.pinned(side))

    def remove(self, name: str) -> None:
        """Take a run out; of the last two none."""
        found = self.comparison
        if found is None:
            return
        left = [side.path for side in found.sides if side.name != name]
        if len(left) < FEWEST:
            asking.tell(self, "Two runs are left", "A comparison needs two runs; choose others, or hide this one.")
            return
        baseline = found.baseline.path if found.baseline.name != name else None
        self.reader.compare(left, baseline, self.home)

    def open_saved(self, name: str) -> None:
        """Open a saved comparison; runs that are gone are said and left out."""
        if not name:
            return
        try:
            found = saved.load(self.home, name)
        except CompareError as error:
            asking.tell(self, "This comparison cannot be opened", str(error))
            return
        there = [path for path in found.runs if path.is_dir()]
        gone = [path.name for path in found.runs if path not in there]
        if gone:
            asking.tell(self, "Runs are gone", f"{', '.join(gone)}: not there any more, and left out of {name!r}.")
        if len(there) >= FEWEST:
            self.compare(there, found.baseline if found.baseline in there else None, found.hidden, name)

    def save_as(self, name: str) -> None:
        """Keep which runs are compared under a name."""
        found = self.comparison
        if found is None:
            return
        paths = tuple(side.path for side in found.sides)
        saved.save(self.home, saved.Saved(name, paths, found.baseline.path, self.roster.hidden_paths()))
        self._name = name
        self._offer_saved()

    def follow(self) -> None:
        """Read anew where a run that goes on has said something."""
        found = self.comparison
        if found is None or not any(side.state == "running" for side in found.sides):
            return
        stamps = {side.name: _stamp(side) for side in found.sides}
        if stamps != self._stamps:
            self._stamps = stamps
            self.read_anew()

    # Inside

    def _show(self, found: Comparison) -> None:
        self.reader.take(found)
        self.roster.show_runs(found)
        self._stamps = {side.name: _stamp(side) for side in found.sides}
        self.plots.show_comparison(found)
        self._show_words(found)
        self._pages.setCurrentIndex(SHOWN)
        self._allow()
        self._offer_saved()

    def _show_words(self, found: Comparison) -> None:
        """Everything but the curves, which do not depend on the baseline."""
        self.comparison = self.plots.comparison = found
        self.roster.pin(found.baseline.name)
        for tab in (self.results, self.settings, self.costs, self.varied, self.matrices):
            tab.show_comparison(found)
        self.title.setText(f"{len(found.sides)} runs · {found.title}")

    def _refuse(self, sentence: str) -> None:
        self._pages.setCurrentIndex(EMPTY if self.comparison is None else SHOWN)
        asking.tell(self, "These runs cannot be compared", sentence)

    def _refresh(self) -> None:
        self.plots.mark_all()
        for tab in (self.costs, self.varied, self.matrices):
            tab.refresh()

    def _offer_saved(self) -> None:
        names = saved.names(self.home)
        self.saved.offer([("Saved comparisons", ""), *((name, name) for name in names)])
        self.saved.setCurrentIndex(max(0, self.saved.findData(self._name)))
        self.saved.setVisible(bool(names))
        self.forget.setVisible(bool(self._name) and self._name in names)

    def _forget(self) -> None:
        saved.delete(self.home, self._name)
        self._name = ""
        self._offer_saved()

    def _allow(self) -> None:
        for part in (self.save, self.report):
            part.setEnabled(self.comparison is not None)

    def _ask_name(self) -> None:
        SaveSheet(self, self._name, self.save_as).open()

    def _dress(self, card: Card) -> None:
        taking.dress(card, self, "compare", self.plots.redraw.finish)

    def wait(self) -> None:
        """Until nothing is read and nothing measured: for the end of the program."""
        self.reader.wait()
        self._chores.wait()
        self.costs.end()

    def showEvent(self, event: QShowEvent) -> None:
        """Follow runs that go on while the screen is seen."""
        super().showEvent(event)
        self._offer_saved()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: rest."""
        super().hideEvent(event)
        self._timer.stop()


def _padded(part: QWidget, right: int) -> QWidget:
    """A tab's page; a board brings the room at its right, where it scrolls."""
    page = QWidget()
    column = boxes.column(0, page)
    column.setContentsMargins(0, theme.SPACE, right, 0)
    column.addWidget(part)
    return page


def _stamp(side: Side) -> int:
    path = side.path / "events.jsonl"
    return path.stat().st_size if path.is_file() else 0
