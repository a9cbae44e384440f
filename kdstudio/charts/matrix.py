"""The card of matrices: one of them as a heat map, and beside it a class's distribution in all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from engine.events import Watched
from kdstudio import theme
from kdstudio.charts.bars import Bars, Series
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.figures import figure
from kdstudio.charts.flow import Flow
from kdstudio.charts.heat import SCALES, HeatMap, Scale
from kdstudio.charts.legend import Key, settle
from kdstudio.charts.picker import Picker
from kdstudio.charts.records import Records
from kdstudio.charts.steady import Steady
from kdstudio.history import History

LESS = 16
"""Pixels a heat map with its names and its scale is less wide than the card is high."""


@dataclass(frozen=True)
class Matrix:
    """One matrix of the card: the watch it comes from, its name in the picker, its explanation, its colour's number. Rows of
    one `kind` are laid beside each other."""

    watch: str
    title: str
    help: str
    index: int
    kind: str = ""


@dataclass(frozen=True)
class Subject:
    """What the matrices of a card are about: its title, its explanation, what a row is, what is said before there are any,
    and over what their colours may stretch."""

    title: str
    help: str
    row: str
    waiting: str
    scales: tuple[Scale, ...] = SCALES


SOFT_LABELS = Subject(
    "Soft labels",
    "Row: the true class. Column: the share of probability it gets.",
    "class",
    "Soft labels appear when a method has made them, or after the first evaluation.",
)
CONFUSION = Subject(
    "Confusion",
    "Row: the class an image is of. Column: the share of its images that is taken for each class.",
    "class",
    "Confusions appear after the first evaluation on labelled images.",
)
QUANTIZATION = Subject(
    "Quantization",
    "Row: a layer, or an activation quantizer. Column: a level, or a place between levels, and the share of values there.",
    "layer",
    "Levels appear after the first evaluation.",
    ("whole range", "logarithmic"),
)


class MatrixCard(Card):
    """Soft labels and other matrices of a run."""

    def __init__(self, subject: Subject, matrices: tuple[Matrix, ...], history: History) -> None:
        super().__init__(subject.title, "", subject.help)
        self.span, self.rest = 2, 1.0
        self.subject, self.matrices, self.history = subject, matrices, history
        row = subject.row.capitalize()
        self._which, self._class, self._scale = Picker("Matrix"), Picker(row), Picker("Colours stretch over")
        self.heat, self.bars, self.records = HeatMap(), Bars(), Records()
        self._keys: list[Key] = []
        self._stack = QStackedWidget()
        self._value = Steady("", size=theme.TEXT - 1, side=Qt.AlignmentFlag.AlignLeft)
        self._value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._values: dict[str, NDArray[np.float64]] = {}
        self._build()

    def _build(self) -> None:
        self.tools.addWidget(self._which)
        self._scale.offer([(s, s) for s in self.subject.scales])
        self.heat.set_scale(self.subject.scales[0])
        self.tools.addWidget(self._scale)
        self.levers.append(self._scale)
        for picker in (self._which, self._scale):
            picker.setVisible(False)
        self._left = QWidget()
        left, right = QVBoxLayout(self._left), QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        left.addWidget(self.heat, 1)
        left.addWidget(self.records)
        row = QHBoxLayout()
        row.addWidget(theme.set_role(QLabel(self.subject.row), "muted"))
        row.addWidget(self._class)
        row.addStretch(1)
        right.setSpacing(theme.HALF)
        right.addLayout(row)
        self._legend = QWidget()
        self._flow = Flow(self._legend)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self._legend.setSizePolicy(policy)
        right.addWidget(self._legend)
        right.addWidget(self.bars, 1)
        page = QWidget()
        sides = QHBoxLayout(page)
        sides.setContentsMargins(0, 0, 0, 0)
        sides.setSpacing(theme.GAP)
        sides.addWidget(self._left)
        sides.addLayout(right, 1)
        self._stack.addWidget(Waiting(self.subject.waiting))
        self._stack.addWidget(page)
        self.body.addWidget(self._stack)
        self.body.addWidget(self._value)
        self._which.currentIndexChanged.connect(self.redraw)
        self._class.currentIndexChanged.connect(self._other_class)
        self._scale.currentIndexChanged.connect(self._rescale)
        self.heat.picked.connect(self._class.setCurrentIndex)
        self.heat.hovered.connect(self._hover)
        self.records.moved.connect(self.redraw)

    def wants(self, watch: str) -> bool:
        """Whether a watch belongs to this card."""
        return any(m.watch == watch for m in self.matrices)

    def shown(self) -> Matrix | None:
        """The matrix chosen in the picker, the first that exists without a choice."""
        there = [m for m in self.matrices if self.history.watched.get(m.watch)]
        return next((m for m in there if m.watch == self._which.currentData()), there[0] if there else None)

    def redraw(self) -> None:
        """Show the newest record, or the one gone back to."""
        there = [m for m in self.matrices if self.history.watched.get(m.watch)]
        self._which.offer([(m.title, m.watch) for m in there])
        matrix = self.shown()
        self._stack.setCurrentIndex(0 if matrix is None else 1)
        for picker in (self._which, self._scale):
            picker.setVisible(matrix is not None)
        if matrix is None:
            return
        record = self.records.offer(self.history.watched[matrix.watch])
        assert record is not None
        values = self.history.array(record).astype(np.float64)
        self._values = self._distributions(record, there)
        self.heat.show_matrix(values, axis_names(record, "rows"), axis_names(record, "columns"))
        self._class.offer([(name, i) for i, name in enumerate(self.heat.row_names)])
        self.heat.setToolTip(matrix.help)
        self._other_class()

    def _distributions(self, record: Watched, there: list[Matrix]) -> dict[str, NDArray[np.float64]]:
        """The matrices whose rows are distributions over the same classes, as of the shown epoch."""
        found = {}
        for matrix in there:
            past = [r for r in self.history.watched[matrix.watch] if r.shape == record.shape]
            if not past:
                continue
            same = [r for r in past if r.stage != record.stage or r.epoch <= record.epoch] or past
            values = self.history.array(same[-1]).astype(np.float64)
            sums = values.sum(axis=1) if values.ndim == 2 else np.zeros(1)
            if np.allclose(sums[np.isfinite(sums)], 1.0, atol=1e-3) and np.isfinite(sums).any():
                found[matrix.watch] = values
        return found

    def _rescale(self) -> None:
        self.heat.set_scale(self._scale.currentData())
        self._other_class()

    def _other_class(self) -> None:
        row = max(0, self._class.currentIndex())
        self.heat.set_row(row)
        matrix = self.shown()
        kind = matrix.kind if matrix is not None else ""
        chosen = sorted((m for m in self.matrices if m.watch in self._values and m.kind == kind), key=lambda m: m.index)
        series = tuple(Series(m.title, self._values[m.watch][row], m.index) for m in chosen)
        self.bars.show_series(series, self.heat.column_names, own=row if self.heat.scale == "off the diagonal" else -1)
        self._show_keys(chosen)

    def _show_keys(self, chosen: list[Matrix]) -> None:
        wanted = [(_short(m.title), m.index) for m in chosen]
        if [(k.name, k.index) for k in self._keys] == wanted:
            return
        for key in self._keys:
            self._flow.removeWidget(key)
            key.hide()
            key.deleteLater()
        self._keys = [Key(*each) for each in wanted]
        for key in self._keys:
            self._flow.addWidget(key)
            key.show()
        settle(self._legend)

    def _hover(self, row: int, column: int) -> None:
        if row < 0:
            self._value.set_text("")
            return
        names, shown = (self.heat.row_names[row], self.heat.column_names[column]), self.shown()
        parts = [f"{names[0]} → {names[1]}:  {figure(float(self.heat.values[row, column]))}"]
        parts += [
            f"{_short(m.title)} {figure(float(self._values[m.watch][row, column]))}"
            for m in self.matrices
            if m.watch in self._values and shown is not None and m is not shown and m.kind == shown.kind
        ]
        self._value.set_text("     ".join(parts))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As much width for the map as makes its cells square, the rest for the bars."""
        super().resizeEvent(event)
        self._left.setFixedWidth(max(160, min(self.height() - LESS, round(self.width() * 0.6))))

    def table(self) -> Rows:
        """The shown matrix with the names of its rows and columns."""
        yield ("class", *self.heat.column_names)
        for name, row in zip(self.heat.row_names, self.heat.values.tolist(), strict=True):
            yield (name, *row)


def _short(title: str) -> str:
    """Whose soft labels they are: `Soft labels · student` is `student`."""
    return title.rpartition(" · ")[2]


def axis_names(record: Watched, axis: str) -> list[str]:
    """The names of a matrix's rows or columns: its own, else those of the classes; empty where it has none."""
    found: list[Any] = record.labels.get(axis) or record.labels.get("classes") or []
    return [str(n) for n in found]
