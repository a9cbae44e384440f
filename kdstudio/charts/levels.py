"""The card of quantized weights: how the float weights of one layer lie, and the levels they are put on, drawn over them."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QLabel, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from kdstudio import theme
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.histogram import Histogram
from kdstudio.charts.picker import Picker
from kdstudio.charts.records import Records
from kdstudio.history import History

WATCH = "quantization.weights"


class LevelsCard(Card):
    """The histogram of one layer in units of its scale, a line at every level."""

    def __init__(self, history: History) -> None:
        super().__init__(
            "Weights and their levels",
            "",
            "Float weights of one layer; every line is a level they are put on",
        )
        self.history = history
        self.rest = 1.0
        self._layer = Picker("Layer")
        self.histogram, self.records = Histogram(), Records()
        self._caption = theme.set_role(QLabel(), "faint")
        self._caption.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._stack = QStackedWidget()
        self._layer.setVisible(False)
        self.tools.addWidget(self._layer)
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.histogram, 1)
        inside.addWidget(self._caption)
        inside.addWidget(self.records)
        self._waiting = Waiting("Levels appear after the first evaluation.")
        self._stack.addWidget(self._waiting)
        self._stack.addWidget(page)
        self.body.addWidget(self._stack)
        self._layer.currentIndexChanged.connect(self.redraw)
        self.records.moved.connect(self.redraw)

    def wants(self, watch: str) -> bool:
        """Whether a watch belongs to this card."""
        return watch == WATCH

    def redraw(self) -> None:
        """Show the newest record, or the one gone back to."""
        record = self.records.offer(self.history.watched.get(WATCH, []))
        told = record is not None and bool(record.labels.get("edges"))
        if record is not None and not told:
            self._waiting.setText("This run was made before levels were kept with their histograms.")
        self._stack.setCurrentIndex(1 if told else 0)
        self._layer.setVisible(told)
        if record is None or not told:
            return
        self._layer.offer([(str(name), i) for i, name in enumerate(record.labels["rows"])])
        row = max(0, self._layer.currentIndex())
        values = self.history.array(record).astype(np.float64)[row]
        levels = [(f"{level}".replace("-", "−"), float(level)) for level in record.labels["levels"]]
        reach = np.flatnonzero(values)
        first, last = (int(reach[0]), int(reach[-1]) + 1) if len(reach) else (0, len(values))
        edges = record.labels["edges"][first : last + 1]
        self.histogram.show_shares(values[first:last], edges, [level for level in levels if edges[0] <= level[1] <= edges[-1]])
        used = f"in units of the layer's scale; {len(self.histogram.levels)} of its {len(levels)} levels lie where weights are"
        self._caption.setText(used + ("; the last columns hold what is further out" if values[0] + values[-1] > 0 else ""))

    def table(self) -> Rows:
        """The columns of the shown layer."""
        shown = self.histogram
        yield ("from", "to", "share")
        yield from zip(shown.edges.tolist(), shown.edges[1:].tolist(), shown.values.tolist())
