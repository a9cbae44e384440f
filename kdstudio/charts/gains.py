"""The card of classes: the accuracy of each, or what it gains on the teacher or on another run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QLabel, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from kdstudio import baselines, theme
from kdstudio.background.chores import Chores
from kdstudio.baselines import CLASS_ACCURACY, Baseline, ClassAccuracy
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.diverging import Diverging
from kdstudio.charts.figures import figure
from kdstudio.charts.picker import Picker
from kdstudio.charts.records import Records
from kdstudio.history import History

TEACHER = "class_accuracy_teacher"
ALONE, OVER_TEACHER = "accuracy", "teacher"


class GainCard(Card):
    """Top-1 class by class. The baseline is picked among the teacher and the finished runs on the same dataset."""

    def __init__(self, history: History) -> None:
        super().__init__("Classes", "", "Top-1 of the student among the images of each class, less that of a baseline")
        self.rest = 1.0
        self.history = history
        self.chart, self.records = Diverging(), Records()
        self._against = Picker("Baseline")
        self._others: list[Baseline] = []
        self._read: dict[Path, ClassAccuracy] = {}
        self._looked = False
        self._chores = Chores(self)
        self._chores.failed.connect(self._failed)
        self._values: NDArray[np.float64] = np.zeros(0)
        self._names: list[str] = []
        self._caption = theme.set_role(QLabel(), "faint")
        self._caption.setWordWrap(True)
        self._caption.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._stack = QStackedWidget()
        self._build()

    def _build(self) -> None:
        self._against.setVisible(False)
        self._against.setMaximumWidth(170)
        self.tools.addWidget(self._against)
        self.levers.append(self._against)
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.chart, 1)
        inside.addWidget(self._caption)
        inside.addWidget(self.records)
        self._stack.addWidget(Waiting("Classes appear after the first evaluation on labelled images."))
        self._stack.addWidget(page)
        self.body.addWidget(self._stack)
        self.records.moved.connect(self.redraw)
        self.chart.fitted.connect(self._caption_it)
        self._against.currentIndexChanged.connect(self._choose)

    def wants(self, watch: str) -> bool:
        """Whether a watch belongs to this card."""
        return watch in (CLASS_ACCURACY, TEACHER)

    def redraw(self) -> None:
        """Show the newest record, or the one gone back to."""
        record = self.records.offer(self.history.watched.get(CLASS_ACCURACY, []))
        self._stack.setCurrentIndex(0 if record is None else 1)
        self._against.setVisible(record is not None)
        if record is None:
            return
        self._look_once()
        self._against.offer(self._choices())
        self._values = self.history.array(record).astype(np.float64)
        self._names = [str(n) for n in record.labels.get("names", [])]
        self._show()

    def _choices(self) -> list[tuple[str, object]]:
        taught = [(f"gain over {OVER_TEACHER}", OVER_TEACHER)] if self.history.watched.get(TEACHER) else []
        return [*taught, (ALONE, ALONE), *((f"gain over {each.words}", each.path) for each in self._others)]

    def _look_once(self) -> None:
        folder = self.history.folder
        if not self._looked and folder is not None and folder.is_dir():
            self._looked = True
            dataset = str(self.history.plan.get("dataset", ""))
            self._chores.do(lambda: baselines.of_dataset(folder, dataset), self._found)

    def _found(self, others: list[Baseline]) -> None:
        self._others = others
        self._against.offer(self._choices())

    def _failed(self, sentence: str) -> None:
        self._against.setCurrentIndex(self._against.findData(ALONE))
        self._caption.setText(sentence)

    def _choose(self) -> None:
        wanted = self._against.currentData()
        if isinstance(wanted, Path) and wanted not in self._read:
            self._chores.do(lambda: baselines.class_accuracy(wanted), self._take)
            return
        self._show()

    def _take(self, found: ClassAccuracy) -> None:
        self._read[found.path] = found
        self._show()

    def _baseline(self) -> NDArray[np.float64] | None:
        """Accuracy of each class to be taken away: of the picked run, of the teacher, or nothing; None where they are of other
        classes."""
        wanted = self._against.currentData()
        if wanted == OVER_TEACHER:
            return self.history.array(self.history.watched[TEACHER][-1]).astype(np.float64)
        if isinstance(wanted, Path):
            read = self._read.get(wanted)
            return read.values if read is not None and read.names == self._names else None
        return np.zeros_like(self._values)

    def _show(self) -> None:
        taken = self._baseline()
        alone = self._against.currentData() == ALONE
        self.set_unit("%" if alone else "points")
        if taken is None or taken.shape != self._values.shape:
            self.chart.show_values(np.zeros(0), [])
            self._caption.setText("This run is of other classes; nothing can be compared class by class.")
            return
        self.chart.show_values(self._values - taken, self._names, signed=not alone)
        self._caption_it()

    def _caption_it(self) -> None:
        gains = self.chart.values[np.isfinite(self.chart.values)]
        if not len(gains):
            return
        words = f"mean {figure(float(gains.mean()), 2)}"
        if self.chart.signed:
            words += f"; {int((gains > 0).sum())} of {len(gains)} classes gain, {int((gains < 0).sum())} lose"
        shown = len(self.chart.rows())
        self._caption.setText(words + (f"; {shown} shown" if shown < len(gains) else ""))

    def table(self) -> Rows:
        """Every class with what is shown of it."""
        yield ("class", "points" if self.chart.signed else "top1")
        yield from zip(self.chart.names, self.chart.values.tolist(), strict=True)
