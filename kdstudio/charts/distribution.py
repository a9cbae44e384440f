"""The card of a distribution watch: bars of the newest record, or of an earlier epoch."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from kdstudio.charts.bars import Bars, Series
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.records import Records
from kdstudio.history import History


class DistributionCard(Card):
    """One distribution over named or numbered places."""

    def __init__(self, watch: str, title: str, unit: str, help: str, history: History) -> None:
        super().__init__(title, unit, help)
        self.watch, self.history = watch, history
        self.bars, self.records = Bars(), Records()
        self._stack = QStackedWidget()
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.bars, 1)
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
        given = next(iter(record.labels.values()), [])
        names = [str(n) for n in given] if len(given) == len(values) else [str(i) for i in range(len(values))]
        self.bars.show_series((Series(self.title, values, 0),), names)

    def table(self) -> Rows:
        """The shown values by name."""
        yield ("name", "value")
        for one in self.bars.series:
            yield from zip(self.bars.names, one.values.tolist(), strict=True)
