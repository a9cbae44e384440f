"""The card of a distribution watch: bars of the newest record or of an earlier one, columns where it lies between numbers."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from kdstudio.charts.bars import Bars, Series
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.histogram import Histogram
from kdstudio.charts.records import Records
from kdstudio.history import History


class DistributionCard(Card):
    """One distribution over named or numbered places, or between the edges of an axis."""

    def __init__(self, watch: str, title: str, unit: str, help: str, history: History) -> None:
        super().__init__(title, unit, help)
        self.key = watch
        self.watch, self.history = watch, history
        self.bars, self.histogram, self.records = Bars(), Histogram(), Records()
        self._stack, self._kinds = QStackedWidget(), QStackedWidget()
        for kind in (self.bars, self.histogram):
            self._kinds.addWidget(kind)
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self._kinds, 1)
        inside.addWidget(self.records)
        self._stack.addWidget(Waiting("Nothing measured yet."))
        self._stack.addWidget(page)
        self.body.addWidget(self._stack)
        self.records.moved.connect(self.redraw)

    def wants(self, watch: str) -> bool:
        """Whether a watch belongs to this card."""
        return watch == self.watch

    def redraw(self) -> None:
        """Show the newest record, or the one gone back to."""
        record = self.records.offer(self.history.watched.get(self.watch, []))
        self._stack.setCurrentIndex(0 if record is None else 1)
        if record is None:
            return
        values = self.history.array(record).astype(np.float64).ravel()
        edges = record.labels.get("edges", [])
        self._kinds.setCurrentWidget(self.histogram if edges else self.bars)
        if edges:
            self.histogram.show_shares(values, edges, record.labels.get("levels", []))
            return
        given = next(iter(record.labels.values()), [])
        names = [str(n) for n in given] if len(given) == len(values) else [str(i) for i in range(len(values))]
        self.bars.show_series((Series(self.title, values, 0),), names)

    def table(self) -> Rows:
        """The shown values by name, or by the edges between which they lie."""
        if self._kinds.currentWidget() is self.histogram:
            shown = self.histogram
            yield ("from", "to", "share")
            yield from zip(shown.edges.tolist(), shown.edges[1:].tolist(), shown.values.tolist())
            return
        yield ("name", "value")
        for one in self.bars.series:
            yield from zip(self.bars.names, one.values.tolist(), strict=True)
