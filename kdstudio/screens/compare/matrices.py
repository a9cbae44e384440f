"""The tab of matrices: one run's beside another's, on one scale, and their difference; a row followed through all three."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QStackedWidget, QWidget

from engine.comparison import CompareError, Comparison, Side, matrices
from engine.comparison.colours import HUES
from engine.comparison.matrices import Matrix
from engine.runs import RunError
from kdstudio import theme
from kdstudio.charts.bars import Bars, Series
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.figures import figure
from kdstudio.charts.heat import HeatMap, Scale
from kdstudio.charts.picker import Picker, QuietSlider
from kdstudio.widgets import boxes
from kdstudio.widgets.texts import Elided

NONE = (
    "The shown runs recorded no matrices. Runs with a teacher record soft labels, agreement and affinities at every evaluation."
)


class PairCard(Card):
    """Two matrices and their difference. `show_pair` gives them; a sentence says why there is no difference."""

    def __init__(self) -> None:
        super().__init__("Side by side", "", "Left and right on one scale; blue and orange: more and less than on the left")
        self.key, self.span = "matrices", 2
        self.maps = (HeatMap(), HeatMap(), HeatMap())
        self.heads = (Elided("", "muted"), Elided("", "muted"), Elided("", "muted"))
        self.value = Elided("", "muted")
        self.value.setFixedHeight(theme.GAP + theme.HALF)
        self.bars, self.row = Bars(), Elided("", "muted")
        self._numbers = (0, 1)
        self._why = Waiting("")
        self._third = QStackedWidget()
        self._build()

    def _build(self) -> None:
        grid = QGridLayout()
        grid.setSpacing(theme.SPACE)
        self._third.addWidget(self.maps[2])
        self._third.addWidget(self._why)
        parts = (self.maps[0], self.maps[1], self._third, self.bars)
        for n, (head, part) in enumerate(zip((*self.heads, self.row), parts)):
            column = boxes.column(theme.HALF)
            column.addWidget(head)
            column.addWidget(part, 1)
            grid.addLayout(column, n // 2, n % 2)
        for heat in self.maps:
            heat.hovered.connect(self._hover)
            heat.picked.connect(self._pick)
        for n in range(2):
            grid.setRowStretch(n, 1)
            grid.setColumnStretch(n, 1)
        self.maps[0].setAccessibleName("Left matrix")
        self.maps[1].setAccessibleName("Right matrix")
        self.maps[2].setAccessibleName("Difference")
        self.scale: Scale = "off the diagonal"
        self.maps[2].set_scale("around zero")
        self.body.addLayout(grid, 1)
        self.body.addWidget(self.value)

    def set_scale(self, scale: Scale) -> None:
        """What the colours of left and right stretch over."""
        self.scale = scale
        for heat in self.maps[:2]:
            heat.set_scale(scale)

    def show_pair(self, left: Matrix | None, right: Matrix | None, names: tuple[str, str], numbers: tuple[int, int]) -> None:
        """Show two matrices, either of which may be missing; `numbers` are those of their runs' colours."""
        self._numbers = numbers
        low, high = _ends([m for m in (left, right) if m is not None], self.scale)
        for heat, head, made, name in zip(self.maps, self.heads, (left, right), names):
            head.setText(name + (f", epoch {made.epoch}" if made else ": not recorded"))
            heat.set_ends(low, high)
            _show(heat, made)
        self.heads[2].setText("right − left")
        change, why = _difference(left, right)
        self._why.setText(why)
        self._third.setCurrentIndex(0 if change is not None else 1)
        _show(self.maps[2], change)
        self._pick(self.maps[0].row)

    def _hover(self, row: int, column: int) -> None:
        heat = next((h for h in self.maps if h.values.size), None)
        if row < 0 or heat is None or row >= len(heat.row_names) or column >= len(heat.column_names):
            self.value.setText("")
            return
        parts = [
            f"{head.text()}  {figure(float(h.values[row, column]))}"
            for head, h in zip(self.heads, self.maps)
            if _has(h, row, column)
        ]
        self.value.setText(f"{heat.row_names[row]} → {heat.column_names[column]}:     " + "     ".join(parts))

    def _pick(self, row: int) -> None:
        """Follow one row through all maps, and show it as bars."""
        there = [heat for heat in self.maps[:2] if heat.values.size]
        row = min(row, min((heat.values.shape[0] for heat in there), default=1) - 1)
        for heat in self.maps:
            heat.set_row(row)
        shown = [(h, self._numbers[n]) for n, h in enumerate(self.maps[:2]) if h.values.size]
        series = tuple(Series(head.text(), h.values[row], number % HUES) for (h, number), head in zip(shown, self.heads))
        names = shown[0][0].column_names if shown else []
        alike = all(len(one.values) == len(names) for one in series)
        square = bool(shown) and shown[0][0].values.shape[0] == len(names)
        self.bars.show_series(
            series if alike else series[:1], names, row if square and self.scale == "off the diagonal" else -1
        )
        self.row.setText(f"row {shown[0][0].row_names[row]}; a click on a map chooses another" if shown else "")

    def redraw(self) -> None:
        """Nothing but paint: the matrices are given."""
        for heat in self.maps:
            heat.update()

    def table(self) -> Rows:
        """Every entry of the three."""
        yield ("row", "column", "left", "right", "right less left")
        first = self.maps[0]
        for i, row in enumerate(first.row_names if first.values.size else []):
            for j, column in enumerate(first.column_names):
                yield (row, column, *(float(h.values[i, j]) if _has(h, i, j) else "" for h in self.maps))


class MatricesTab(QWidget):
    """Pickers of what is compared and which runs, the epoch gone back to, and the card."""

    def __init__(self, visible: Callable[[], list[Side]], dress: Callable[[Card], None]) -> None:
        super().__init__()
        self.comparison: Comparison | None = None
        self._visible = visible
        self.which, self.layer = Picker("Matrix"), Picker("Image")
        self.left, self.right = Picker("Left run"), Picker("Right run")
        self.scale = Picker("Colours stretch over")
        self.scale.offer([(scale, scale) for scale in ("off the diagonal", "whole range")])
        self.epoch = QuietSlider(Qt.Orientation.Horizontal)
        self.epoch.setRange(0, 0)
        self.epoch.setFixedWidth(theme.SPACE * 14)
        self.epoch.setAccessibleName("Epoch")
        self.epoch.setToolTip("Go back to an earlier epoch")
        self.card = PairCard()
        dress(self.card)
        bar = boxes.row(theme.SPACE)
        for part in (self.which, self.layer, QLabel("left"), self.left, QLabel("right"), self.right):
            if isinstance(part, QLabel):
                theme.set_role(part, "muted")
            bar.addWidget(part)
        bar.addStretch(1)
        bar.addWidget(self.scale)
        bar.addWidget(self.epoch)
        for picker in (self.which, self.left, self.right, self.scale):
            picker.setMinimumWidth(theme.SPACE * 9)
        self._pages = QStackedWidget()
        self._pages.addWidget(Waiting(NONE))
        self._pages.addWidget(self.card)
        self._bar = QWidget()
        self._bar.setLayout(bar)
        bar.setContentsMargins(0, 0, 0, 0)
        column = boxes.column(theme.SPACE, self)
        column.addWidget(self._bar)
        column.addWidget(self._pages, 1)
        for picker in (self.which, self.layer, self.left, self.right, self.scale):
            picker.currentIndexChanged.connect(self.refresh)
        self.epoch.valueChanged.connect(self.refresh)

    def show_comparison(self, found: Comparison) -> None:
        """Offer what these runs recorded; the baseline stands at the left."""
        first = self.comparison is None or self.comparison.baseline.name != found.baseline.name
        self.comparison = found
        self._offer()
        if first and self.left.count():
            self.left.setCurrentIndex(max(0, self.left.findData(found.baseline.name)))
            others = [n for n in range(self.right.count()) if n != self.left.currentIndex()]
            self.right.setCurrentIndex(others[0] if others else 0)
        self.refresh()

    def _offer(self) -> None:
        sides = self._visible()
        self.which.offer([(kind.title, kind) for kind in matrices.kinds(sides)])
        runs: list[tuple[str, object]] = [(self.comparison.label(side), side.name) for side in sides] if self.comparison else []
        self.left.offer(runs)
        self.right.offer(runs)

    def refresh(self) -> None:
        """Read and show what is chosen."""
        if self.comparison is None:
            return
        self._offer()
        kind, sides = self.which.currentData(), {side.name: side for side in self._visible()}
        self._pages.setCurrentIndex(1 if kind is not None and sides else 0)
        self._bar.setVisible(kind is not None)
        if kind is None or not sides:
            return
        count = matrices.layers(list(sides.values()), kind)
        self.layer.offer([(f"image {n + 1}", n) for n in range(count)])
        self.layer.setVisible(count > 1)
        found = matrices.epochs(list(sides.values()), kind)
        at_end = self.epoch.value() == self.epoch.maximum()
        self.epoch.blockSignals(True)
        self.epoch.setRange(0, len(found) - 1)
        if at_end:
            self.epoch.setValue(len(found) - 1)
        self.epoch.blockSignals(False)
        self.epoch.setVisible(len(found) > 1)
        self.card.set_scale(self.scale.currentData())
        epoch, layer = found[self.epoch.value()], max(0, self.layer.currentIndex())
        chosen = [sides[str(picker.currentData())] for picker in (self.left, self.right)]
        try:
            pair = [matrices.matrix(side, kind, epoch, layer) for side in chosen]
        except RunError as error:
            self.card.show_pair(None, None, (str(error), ""), (0, 1))
            return
        numbers = self.comparison.numbers
        self.card.show_pair(
            pair[0],
            pair[1],
            (self.comparison.label(chosen[0]), self.comparison.label(chosen[1])),
            (numbers[chosen[0].name], numbers[chosen[1].name]),
        )


def _difference(left: Matrix | None, right: Matrix | None) -> tuple[Matrix | None, str]:
    if left is None or right is None:
        return None, "There is a difference where both runs recorded this."
    try:
        return matrices.difference(right, left), ""
    except CompareError as error:
        return None, str(error)


def _ends(shown: list[Matrix], scale: Scale) -> tuple[float, float]:
    """What the colours of both stretch over."""
    kept = [m.values[np.eye(*m.values.shape) == 0] if _diagonal(m, scale) else m.values.ravel() for m in shown]
    together = np.concatenate(kept) if kept else np.array([])
    together = together[np.isfinite(together)]
    return (float(together.min()), float(together.max())) if together.size else (0.0, 1.0)


def _diagonal(matrix: Matrix, scale: Scale) -> bool:
    """Whether the diagonal is left out of what the colours stretch over: it dwarfs the rest."""
    rows, columns = matrix.values.shape
    return scale == "off the diagonal" and rows == columns and rows > 1


def _show(heat: HeatMap, made: Matrix | None) -> None:
    if made is None:
        heat.show_matrix(np.zeros((0, 0)), [], [])
    else:
        heat.show_matrix(made.values, made.rows, made.columns)


def _has(heat: HeatMap, row: int, column: int) -> bool:
    return row < heat.values.shape[0] and column < heat.values.shape[1]
