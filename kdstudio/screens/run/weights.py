"""The card of the terms' weights: each can be moved while the run goes on, at the price of paired comparison."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from engine.events import WeightMoved
from kdstudio import theme
from kdstudio.charts.card import Card, Rows
from kdstudio.charts.figures import WIDEST, figure
from kdstudio.charts.picker import QuietSlider
from kdstudio.charts.steady import Steady
from kdstudio.history import History
from kdstudio.history.journal import titles

STEPS = 40
"""Steps of a slider either way."""
REACH = 100.0
"""It reaches from a hundredth of what the settings say to a hundred times that; at its left end the weight is 0."""
WARNING = "A run whose weights were moved is left out of paired comparison: its settings no longer say what it was."


class WeightsCard(Card):
    """A slider for every term of the run. `moved` carries a term and the weight asked for; the run obeys before its next step
    and says so, which is what is shown as its weight."""

    moved = Signal(str, float)

    def __init__(self, history: History) -> None:
        super().__init__("Weights of the terms", "", f"Move a weight while the run goes on. {WARNING}")
        self.key = "weights"
        self.history = history
        self._rows: dict[str, _Row] = {}
        self._live = False
        page = QWidget()
        grid = QGridLayout(page)
        grid.setContentsMargins(0, 2, 8, 2)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        called = titles(history.plan)
        for number, term in enumerate(history.plan.get("terms", [])):
            self._rows[term["name"]] = self._made(grid, number, term, called[term["name"]])
        words = theme.set_role(QLabel(WARNING), "faint")
        words.setWordWrap(True)
        column = QVBoxLayout()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(page)
        page.setAutoFillBackground(False)  # Qt turned it on when it took the page
        scroll.viewport().setAutoFillBackground(False)
        grid.setRowStretch(len(self._rows), 1)
        column.addWidget(scroll, 1)
        column.addWidget(words)
        self.body.addLayout(column)

    def _made(self, grid: QGridLayout, number: int, term: dict[str, Any], title: str) -> _Row:
        name, made = str(term["name"]), _Row(float(term.get("weight") or 0.0))
        words = QLabel(title)
        words.setToolTip(str(term.get("help", "")))
        made.slider.setAccessibleName(f"Weight of {words.text()}")
        for column, widget in enumerate((words, made.slider, made.words)):
            grid.addWidget(widget, number, column)
        made.slider.valueChanged.connect(lambda _value: made.preview())
        made.slider.sliderReleased.connect(lambda: self._ask(name))
        made.slider.actionTriggered.connect(lambda _action: self._asked_by_key(name))
        return made

    def set_live(self, live: bool) -> None:
        """Whether a run goes on that would obey."""
        self._live = live
        for row in self._rows.values():
            row.slider.setEnabled(live)

    def _asked_by_key(self, term: str) -> None:
        """Arrow keys and clicks beside the handle count at once; a drag counts when it ends."""
        slider = self._rows[term].slider
        if not slider.isSliderDown():
            slider.setValue(slider.sliderPosition())
            self._ask(term)

    def _ask(self, term: str) -> None:
        row = self._rows[term]
        if row.asked() != row.weight:
            self.moved.emit(term, row.asked())

    def redraw(self) -> None:
        """Show the weights as they are; a handle that is being dragged stays where it is."""
        now = self.history.weights
        for name, row in self._rows.items():
            row.show(now.get(name, row.said))
        times = len(self.history.moves)
        self.set_unit({0: "", 1: "moved once"}.get(times, f"moved {times} times"))

    def concerned(self, event: object) -> bool:
        """Whether an event changes what is shown."""
        return isinstance(event, WeightMoved)

    def table(self) -> Rows:
        """What was moved, one move a row."""
        yield ("term", "stage", "step", "epoch", "before", "after")
        for move in self.history.moves:
            yield (move.term, move.stage, move.step, move.epoch, move.before, move.after)


class _Row:
    """The slider of one term. `said` is what the settings say, `weight` what it is."""

    def __init__(self, said: float) -> None:
        self.said = self.weight = said
        self.slider = QuietSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(-STEPS, STEPS)
        self.slider.setPageStep(5)
        self.slider.setMinimumWidth(90)
        self.words = Steady(WIDEST, "text")
        self.show(said)

    def asked(self) -> float:
        """The weight where the handle stands: what the settings say in the middle (1 where they say 0), 0 at the left end."""
        place = self.slider.value()
        if place == -STEPS:
            return 0.0
        middle = self.said or 1.0
        return float(f"{middle * REACH ** (place / STEPS):.3g}")

    def show(self, weight: float) -> None:
        """The weight is so now."""
        self.weight = weight
        if not self.slider.isSliderDown():
            self.slider.blockSignals(True)
            self.slider.setValue(self._place(weight))
            self.slider.blockSignals(False)
            self.words.set_text(figure(weight))

    def preview(self) -> None:
        """Write what would be asked for."""
        self.words.set_text(figure(self.asked()))

    def _place(self, weight: float) -> int:
        steps = range(-STEPS, STEPS + 1)
        middle = self.said or 1.0
        return min(steps, key=lambda n: abs((0.0 if n == -STEPS else middle * REACH ** (n / STEPS)) - weight))
