"""A card with a distribution of every run as a row of one heat map, such as the accuracy of each class."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QStackedWidget, QWidget

from engine.comparison import Side
from engine.comparison.matrices import Kind, Matrix
from kdstudio import theme
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.figures import figure
from kdstudio.charts.heat import HeatMap
from kdstudio.widgets import boxes
from kdstudio.widgets.texts import Elided

Read = Callable[[Kind], tuple[list[Side], Matrix] | None]


class RunRowsCard(Card):
    """One distribution. `read` gives the rows of the runs that are shown, `named` what a run is called beside the others."""

    def __init__(self, kind: Kind, read: Read, named: Callable[[Side], str]) -> None:
        super().__init__(kind.title, "a row each run", "The last record of every run, all on one scale")
        self.key, self.span = f"distribution/{kind.watch}", 2
        self.kind, self._read, self._named = kind, read, named
        self.heat, self.value = HeatMap(), Elided("", "muted")
        self.heat.set_scale("whole range")
        self.heat.set_row(-1)
        self.heat.setAccessibleName(kind.title)
        self.value.setFixedHeight(theme.GAP + theme.HALF)
        page = QWidget()
        column = boxes.column(theme.HALF, page)
        column.addWidget(self.heat, 1)
        column.addWidget(self.value)
        self._stack = QStackedWidget()
        self._stack.addWidget(Waiting("None of the shown runs recorded this."))
        self._stack.addWidget(page)
        self.body.addWidget(self._stack)
        self.heat.hovered.connect(self._hover)

    def redraw(self) -> None:
        """Show the runs that are not hidden."""
        found = self._read(self.kind)
        self._stack.setCurrentIndex(0 if found is None else 1)
        if found is not None:
            sides, matrix = found
            self.heat.show_matrix(matrix.values, [self._named(side) for side in sides], matrix.columns)

    def _hover(self, row: int, column: int) -> None:
        there = 0 <= row < len(self.heat.row_names) and 0 <= column < len(self.heat.column_names)
        words = f"{self.heat.row_names[row]}, {self.heat.column_names[column]}:  " if there else ""
        self.value.setText(words + figure(float(self.heat.values[row, column])) if there else "")

    def table(self) -> Rows:
        """Every value, a row each run."""
        yield ("run", *self.heat.column_names)
        for name, row in zip(self.heat.row_names, self.heat.values.tolist(), strict=True):
            yield (name, *row)
