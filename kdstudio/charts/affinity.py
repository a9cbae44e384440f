"""The card of affinities: how alike teacher and student find the places of one image, and where the two differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from engine.events import Watched
from kdstudio import theme
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.figures import figure
from kdstudio.charts.heat import HeatMap
from kdstudio.charts.outputs import Pictures
from kdstudio.charts.picker import Picker
from kdstudio.charts.places_of_image import Placed
from kdstudio.charts.records import Records
from kdstudio.charts.steady import Steady
from kdstudio.history import History

STUDENT, TEACHER = "affinity_student", "affinity_teacher"
MAPS = ("teacher", "student", "student − teacher")


class AffinityCard(Card):
    """One image at one stage. A click on a row of a map, or on a place of the image, shows over the image how alike that place
    is to the others."""

    def __init__(self, history: History) -> None:
        super().__init__(
            "Affinity of places", "", "Row and column: places of the image, row by row. Colour: the cosine of their features"
        )
        self.span, self.rest = 2, 1.0
        self.history = history
        self._stage, self._image = Picker("Stage"), Picker("Image")
        self._over = Picker("Over the image")
        self.records, self.picture = Records(), Placed()
        self.maps = {name: HeatMap() for name in MAPS}
        self._pictures = Pictures(history)
        self._value = Steady("", size=theme.TEXT - 1, side=Qt.AlignmentFlag.AlignLeft)
        self._value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._stack = QStackedWidget()
        self._shown: dict[str, NDArray[np.float64]] = {}
        self._side, self._place = 1, 0
        self._build()

    def _build(self) -> None:
        for picker in (self._stage, self._image, self._over):
            picker.setVisible(False)
            self.tools.addWidget(picker)
            self.levers.append(picker)
        self._over.offer([(f"over the image: {name}", name) for name in MAPS])
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        for name, chart in (("image", self.picture), *self.maps.items()):
            each = QVBoxLayout()
            each.setSpacing(2)
            each.addWidget(theme.set_role(QLabel(name), "muted"))
            each.addWidget(chart, 1)
            row.addLayout(each)
        row.addStretch(1)
        self.maps[MAPS[0]].ruled = False
        for name, chart in self.maps.items():
            chart.set_scale("around zero" if name == MAPS[2] else "whole range")
            chart.setAccessibleName(f"Affinity, {name}")
            chart.hovered.connect(lambda i, j, name=name: self._hover(name, i, j))
            chart.picked.connect(self._choose)
        column.addLayout(row, 1)
        column.addWidget(self._value)
        column.addWidget(self.records)
        self._stack.addWidget(Waiting("Affinities appear after the first evaluation, where both nets have maps of places."))
        self._stack.addWidget(page)
        self.body.addWidget(self._stack)
        self.picture.picked.connect(self._choose)
        for signal in (self._stage.currentIndexChanged, self._image.currentIndexChanged, self.records.moved):
            signal.connect(self.redraw)
        self._over.currentIndexChanged.connect(self._paint_over)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The image and the three maps get equal squares, the scales what is left."""
        super().resizeEvent(event)
        ruled = self.maps[MAPS[1]].margin()
        side = max(40, (self.width() - 5 * theme.SPACE - 2 * ruled - theme.GAP) // 4)
        self.picture.setFixedWidth(side)
        for chart in self.maps.values():
            chart.setFixedWidth(side + chart.margin())

    def wants(self, watch: str) -> bool:
        """Whether a watch belongs to this card."""
        return watch in (STUDENT, TEACHER)

    def redraw(self) -> None:
        """Show the newest record, or the one gone back to."""
        every = self.history.watched.get(STUDENT, [])
        stages = list(dict.fromkeys(tuple(r.labels["stage"]) for r in every))
        self._stage.offer([(_named(stage), stage) for stage in stages])
        stage = self._stage.currentData()
        record = self.records.offer([r for r in every if tuple(r.labels["stage"]) == stage])
        taught = self._taught(stage, record)
        there = record is not None and taught is not None
        self._stack.setCurrentIndex(1 if there else 0)
        for picker in (self._stage, self._image, self._over):
            picker.setVisible(there)
        if record is None or taught is None:
            return
        own, other = (self.history.array(r).astype(np.float64) for r in (record, taught))
        self._image.offer([(f"image {i + 1}", i) for i in range(len(own))])
        at = max(0, self._image.currentIndex())
        self._side = int(record.labels["places"][0])
        self._show(other[at], own[at], at)

    def _taught(self, stage: tuple[str, ...], record: Watched | None) -> Watched | None:
        found = [r for r in self.history.watched.get(TEACHER, []) if tuple(r.labels["stage"]) == stage]
        return found[-1] if found and record is not None else None

    def _show(self, teacher: NDArray[np.float64], student: NDArray[np.float64], image: int) -> None:
        self._shown = dict(zip(MAPS, (teacher, student, student - teacher), strict=True))
        low = min(float(teacher.min()), float(student.min()))
        names = [f"row {i // self._side + 1}, column {i % self._side + 1}" for i in range(len(teacher))]
        for name, chart in self.maps.items():
            if name != MAPS[2]:
                chart.set_ends(low, 1.0)
            chart.show_matrix(self._shown[name], names, names)
        pictures = self._pictures.all()
        self.picture.show_picture(pictures[image] if image < len(pictures) else None, self._side)
        self._choose(min(self._place, len(teacher) - 1))

    def _choose(self, place: int) -> None:
        self._place = place
        for chart in self.maps.values():
            chart.set_row(place)
        self._paint_over()

    def _paint_over(self) -> None:
        name = self._over.currentData() or MAPS[0]
        if self._shown:
            self.picture.paint_over(self._shown[name][self._place], self._place, around_zero=name == MAPS[2])

    def _hover(self, name: str, row: int, column: int) -> None:
        self.picture.point_at(() if row < 0 else (row, column))
        if row < 0:
            self._value.set_text("")
            return
        names = self.maps[name].row_names
        said = "     ".join(f"{each} {figure(float(values[row, column]))}" for each, values in self._shown.items())
        self._value.set_text(f"{names[row]} and {names[column]}:   {said}")

    def table(self) -> Rows:
        """Every pair of places of the image, in all three maps."""
        yield ("place", "other place", *MAPS)
        names = self.maps[MAPS[0]].row_names
        for i in range(len(names) if self._shown else 0):
            for j in range(len(names)):
                yield (names[i], names[j], *(float(values[i, j]) for values in self._shown.values()))


def _named(stage: tuple[str, ...]) -> str:
    own, other = stage
    return own if own == other else f"{own} · {other}"
