"""What the Plan says of time and memory: nothing until it is measured, and then from what."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from kdstudio import theme
from kdstudio.background.measuring import Measure, Measuring
from kdstudio.quantities import lasting, size
from kdstudio.screens.setup.tables import grid
from kdstudio.store import Store
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import IconLabel, TextButton
from kdstudio.widgets.texts import label, wrapped

TIGHT = 0.9
"""Share of the device's memory above which a run is said not to fit safely."""
ASK = "Takes a few steps of each stage, beside the window. Nothing is kept."
STALE = "Measured before the last change."


class Estimate(QWidget):
    """A sentence or a table, and one button."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self.measuring = Measuring(store, self)
        self.said = wrapped("", "muted")
        self.body = boxes.column(theme.HALF)
        self.button = TextButton("Measure", "secondary", "clock")
        self.button.clicked.connect(self._press)
        self._shown: tuple[object, ...] = ()
        column = boxes.column(theme.SPACE, self)
        column.addLayout(self.body)
        column.addWidget(self.said)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        self.measuring.changed.connect(self.refresh)

    def refresh(self) -> None:
        """Show what is known of the experiment as it stands."""
        measuring = self.measuring
        found, last, repeats = measuring.found(), measuring.last(), self._store.resolved().experiment.run.repeats
        said = measuring.doing or measuring.problem
        if not said and found is None:
            said = STALE if last else ASK
        self.said.setText(said)
        self.said.setVisible(bool(said))
        theme.set_role(self.said, "problem" if measuring.problem and not measuring.busy else "muted")
        words = "Cancel" if measuring.busy else "Measure" if last is None else "Measure again"
        self.button.setText(words)
        self.button.setEnabled(measuring.busy or not self._store.problems)
        shown = (found or last, found is None, repeats)
        if shown != self._shown:
            self._shown = shown
            self._show(found or last, found is None, repeats)

    def _press(self) -> None:
        if self.measuring.busy:
            self.measuring.cancel()
        else:
            self.measuring.begin()

    def _show(self, measure: Measure | None, stale: bool, repeats: int) -> None:
        boxes.empty(self.body)
        if measure is None:
            return
        rows = [(s.title, _step(s.step), lasting(s.seconds)) for s in measure.stages]
        cut = measure.seconds < sum(s.seconds for s in measure.stages)
        rows.append(("a run, within its budget" if cut else "a run", "", lasting(measure.seconds)))
        if repeats > 1:
            rows.append((f"{repeats} runs", "", lasting(repeats * measure.seconds)))
        table = grid(rows, ("", "a step", "takes"))
        table.setEnabled(not stale)
        table.setToolTip("<br>".join(f"{s.title}: {s.words}" for s in measure.stages))
        self.body.addWidget(table)
        self.body.addWidget(_memory(measure))
        self.body.addWidget(wrapped(f"on {measure.device}", "faint"))


def _memory(measure: Measure) -> QWidget:
    """Whether it fits."""
    fits = measure.peak_memory < TIGHT * measure.memory
    made = QWidget()
    row = boxes.row(theme.SPACE, made)
    row.addWidget(IconLabel("good" if fits else "problem", "good" if fits else "problem", theme.ICON_SMALL))
    words = "Fits" if fits else "Hardly fits"
    row.addWidget(label(f"{words}: {size(measure.peak_memory)} of {size(measure.memory)}"), 1)
    return made


def _step(seconds: float) -> str:
    if not seconds:
        return ""
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
