"""The tab of accuracy and cost: a plot for each cost with the Pareto front, and the button that measures latency."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from engine.comparison import Comparison, Side
from engine.comparison.metrics import ACCURACY, COSTS, NAMES
from kdstudio import theme
from kdstudio.background.child import Child
from kdstudio.charts.board import RIGHT, Board
from kdstudio.charts.card import Card
from kdstudio.charts.picker import Picker
from kdstudio.charts.scatter import ScatterCard
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import TextButton
from kdstudio.widgets.texts import Elided


class CostsTab(QWidget):
    """`measured` says that latencies are there which were not before."""

    measured = Signal()

    def __init__(self, visible: Callable[[], list[Side]], dress: Callable[[Card], None]) -> None:
        super().__init__()
        self.comparison: Comparison | None = None
        self._visible = visible
        self.board = Board()
        self.cards = [ScatterCard(NAMES[cost]) for cost in COSTS]
        for card in self.cards:
            dress(card)
            self.board.add(card)
        self.gain = Picker("What is gained")
        self.measure = TextButton("Measure latency", "secondary", "clock")
        self.measure.setToolTip("Time the students of these runs on this machine, in turn, in a process of its own")
        self.words = Elided("", "muted")
        self.child = Child(self)
        self.child.ended.connect(self._ended)
        self.measure.clicked.connect(self._measure)
        bar = boxes.row(theme.SPACE)
        bar.setContentsMargins(0, 0, RIGHT, 0)
        bar.addWidget(self.gain)
        bar.addWidget(Elided("Filled, and on the line: no other has more for less (Pareto front).", "muted"), 1)
        bar.addWidget(self.words)
        bar.addWidget(self.measure)
        column = boxes.column(theme.SPACE, self)
        column.addLayout(bar)
        column.addWidget(self.board, 1)
        self.gain.currentIndexChanged.connect(self.refresh)

    def show_comparison(self, found: Comparison) -> None:
        """Show the experiments."""
        self.comparison = found
        self.gain.offer([(NAMES[name].heading(), name) for name in ACCURACY if NAMES[name] in found.metrics])
        self.measure.setEnabled(not self.child.busy and bool(self._students()))
        self.refresh()

    def refresh(self) -> None:
        """Place the dots of the experiments of which a run is shown."""
        found = self.comparison
        if found is None or not self.gain.count():
            for card in self.cards:
                card.show_points([], lambda index: index, NAMES[ACCURACY[0]])
            return
        gain, visible = str(self.gain.currentData()), self._visible()
        for card in self.cards:
            points = [
                p for p in found.points(card.cost.name, gain) if any(s in visible for s in found.contenders[p.index].sides)
            ]
            card.show_points(points, lambda n: found.numbers[found.contenders[n].sides[0].name], NAMES[gain])

    def _students(self) -> list[Side]:
        sides = self.comparison.sides if self.comparison is not None else ()
        return [side for side in sides if (side.path / "student.safetensors").is_file()]

    def _measure(self) -> None:
        self.measure.setEnabled(False)
        self.words.setText("Measuring…")
        self.child.start(["latency", *(str(side.path) for side in self._students()), "--json"])

    def _ended(self, code: int, words: str) -> None:
        self.measure.setEnabled(True)
        self.words.setText("" if code == 0 else words.splitlines()[-1] if words else "Latency could not be measured.")
        self.words.setToolTip(words)
        if code == 0:
            self.measured.emit()

    def end(self) -> None:
        """Nothing is measured any more: for the end of the program."""
        self.child.end()
