"""The card of letKD's templates: which of them each place of an image chooses in the student, and which the teacher assigns."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QLabel, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from kdstudio import theme
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.flow import Flow
from kdstudio.charts.legend import Key, settle
from kdstudio.charts.outputs import Pictures
from kdstudio.charts.picker import Picker
from kdstudio.charts.records import Records
from kdstudio.charts.template_grid import TemplateGrid
from kdstudio.history import History

ROWS = ("student", "teacher")


class TemplatesCard(Card):
    """Maps of one layer. The most frequent templates have a colour; a click on a place shows where else its template is."""

    def __init__(self, watches: tuple[tuple[str, str, str], ...], history: History) -> None:
        """`watches` are the maps there can be: name, words, explanation."""
        super().__init__("Templates over images", "", watches[0][2])
        self.span, self.rest = 2, 1.0
        self.watches, self.history = watches, history
        self.grid, self.records = TemplateGrid(), Records()
        self._which = Picker("Layer")
        self._which.offer([(words, name) for name, words, _ in watches])
        self._which.setVisible(len(watches) > 1)
        self._pictures = Pictures(history)
        self._caption = theme.set_role(QLabel(), "faint")
        self._caption.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._keys: list[Key] = []
        self._legend = QWidget()
        self._flow = Flow(self._legend)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self._legend.setSizePolicy(policy)
        self._stack = QStackedWidget()
        self._build()

    def _build(self) -> None:
        self.tools.addWidget(self._which)
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(4)
        for part, stretch in ((self._legend, 0), (self.grid, 1), (self._caption, 0), (self.records, 0)):
            inside.addWidget(part, stretch)
        self._stack.addWidget(Waiting("Templates appear after the first evaluation."))
        self._stack.addWidget(page)
        self.body.addWidget(self._stack)
        self._which.currentIndexChanged.connect(self.redraw)
        self.records.moved.connect(self.redraw)
        self.grid.picked.connect(self._pick)
        self.grid.fitted.connect(self._say)

    def wants(self, watch: str) -> bool:
        """Whether a watch belongs to this card."""
        return any(watch == name for name, _, _ in self.watches)

    def redraw(self) -> None:
        """Show the newest record of the picked layer, or the one gone back to."""
        record = self.records.offer(self.history.watched.get(self._which.currentData(), []))
        self._stack.setCurrentIndex(0 if record is None else 1)
        if record is None:
            return
        maps = self.history.array(record).astype(np.int64)
        self.grid.show_maps(maps, self._pictures.all(), ROWS[: len(maps)])
        self._show_keys()
        self._say()

    def _pick(self, number: int) -> None:
        self.grid.choose(number)
        self._show_keys()
        self._say()

    def _show_keys(self) -> None:
        wanted = [] if self.grid.chosen else [f"{number} · {100 * share:.0f} %" for number, share in self.grid.frequent()]
        if [key.name for key in self._keys] == wanted:
            return
        for key in self._keys:
            self._flow.removeWidget(key)
            key.hide()
            key.deleteLater()
        self._keys = [Key(words, i) for i, words in enumerate(wanted)]
        for key in self._keys:
            self._flow.addWidget(key)
            key.show()
        settle(self._legend)

    def _say(self) -> None:
        if not self.grid.maps.size:
            return
        if self.grid.chosen:
            where = (self.grid.maps == self.grid.chosen).mean((1, 2, 3))
            each = ", ".join(f"{100 * share:.1f} % of the {name}'s places" for name, share in zip(self.grid.rows, where))
            words = f"Template {self.grid.chosen}: {each}. Click it again for all."
        else:
            count = len(np.unique(self.grid.maps))
            words = f"{count} templates, numbered by the teacher's use; click a place to see where else its template is"
        shown, there = self.grid.shown(), self.grid.maps.shape[1]
        self._caption.setText(words + (f" · {shown} of {there} images" if shown < there else ""))

    def table(self) -> Rows:
        """Every place of every image."""
        yield ("image", "row", "column", *self.grid.rows)
        _, images, height, width = self.grid.maps.shape
        for image in range(images if self.grid.rows else 0):
            for y in range(height):
                for x in range(width):
                    yield (image + 1, y + 1, x + 1, *self.grid.maps[:, image, y, x].tolist())
