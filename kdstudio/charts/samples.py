"""The card of samples: images with their label and what teacher and student take them for; random ones, the best, the worst,
and those over which the two disagree most."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from engine.events import Watched
from kdstudio import theme
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.legend import Key
from kdstudio.charts.outputs import NETS, ORDERS, OUTPUTS, SAMPLES, Order, Pictures, Samples
from kdstudio.charts.picker import Picker
from kdstudio.charts.pictures import WHO, Gallery
from kdstudio.charts.records import Records
from kdstudio.history import History

SHOWN, LARGE = 24, 96
"""Most samples that are painted on the card among others, and alone on the board."""
EVERY = "every class"


class SamplesCard(Card):
    """The probe sample at the newest evaluation, or at an earlier one."""

    def __init__(self, history: History) -> None:
        super().__init__("Samples", "", "Images that are not trained on, with label and the likeliest classes of both nets")
        self.span, self.rest = 2, 1.0
        self.history = history
        self._order, self._class = Picker("Which samples"), Picker("Samples of which class")
        self._class.setMaximumWidth(120)
        self.gallery, self.records = Gallery(), Records()
        self._caption = theme.set_role(QLabel(), "faint")
        self._keys = {who: Key(who, WHO[who]) for who in NETS}
        self._stack = QStackedWidget()
        self._pictures = Pictures(history)
        self._samples: Samples | None = None
        self._rows: list[int] = []
        self._most = SHOWN
        self._build()

    def _build(self) -> None:
        for picker in (self._order, self._class):
            picker.setVisible(False)
            self.tools.addWidget(picker)
            self.levers.append(picker)
            picker.currentIndexChanged.connect(self._arrange_samples)
        line = QHBoxLayout()
        for key in self._keys.values():
            line.addWidget(key)
        line.addWidget(self._caption, 1)
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.gallery, 1)
        inside.addLayout(line)
        inside.addWidget(self.records)
        self._stack.addWidget(Waiting("Samples appear after the first evaluation."))
        self._stack.addWidget(page)
        self.body.addWidget(self._stack)
        self.records.moved.connect(self.redraw)
        self.gallery.fitted.connect(self._caption_it)

    def wants(self, watch: str) -> bool:
        """Whether a watch belongs to this card."""
        return watch in (SAMPLES, OUTPUTS)

    def set_grown(self, grown: bool) -> None:
        """Alone on the board there is room for all that was named."""
        super().set_grown(grown)
        self.gallery.set_ranks(3 if grown else 1)
        self._most = LARGE if grown else SHOWN
        self._arrange_samples()

    def redraw(self) -> None:
        """Show the newest record, or the one gone back to."""
        record = self._record()
        self._stack.setCurrentIndex(0 if record is None else 1)
        for picker in (self._order, self._class):
            picker.setVisible(record is not None)
        if record is None:
            return
        self._samples = Samples(self.history, record, self._pictures.all())
        self._order.offer([(o.words, o) for o in self._samples.orders()])
        self._order.setToolTip("\n".join(f"{o.words}: {o.help}" for o in self._samples.orders()))
        there = set(self._samples.labels)
        self._class.offer([(EVERY, ""), *((name, name) for name in self._samples.classes if name in there)])
        self._class.setVisible(bool(there))
        self._arrange_samples()

    def _record(self) -> Watched | None:
        records = self.history.watched.get(OUTPUTS, []) if self.history.watched.get(SAMPLES) else []
        return self.records.offer(records)

    def _arrange_samples(self) -> None:
        if self._samples is None:
            return
        self._rows = self._samples.chosen(self.order(), self._class.currentData() or "")
        self.gallery.show_tiles([self._samples.tile(row) for row in self._rows[: self._most]])
        for who, key in self._keys.items():
            key.setVisible(any(who in tile.guesses for tile in self.gallery.tiles[:1]))
        self._caption_it()

    def order(self) -> Order:
        """The order that was picked."""
        chosen: Order = self._order.currentData() or ORDERS[0]
        return chosen

    def _caption_it(self) -> None:
        if self._samples is None:
            return
        words = "top class; green where it is the label" if self._samples.labels else "top class"
        shown, there = self.gallery.shown(), len(self._rows)
        self._caption.setText(words if shown == there else f"{words}; {shown} of {there}")

    def table(self) -> Rows:
        """Every sample in the order shown, and all that is known of it."""
        if self._samples is None:
            yield ("sample", "label")
            return
        yield ("sample", "label", *self._samples.columns)
        for row in self._rows:
            label = self._samples.labels[row] if self._samples.labels else ""
            yield (row, label, *(self._cell(name, row) for name in self._samples.columns))

    def _cell(self, name: str, row: int) -> object:
        assert self._samples is not None
        value = float(self._samples.columns[name][row])
        return self._samples.classes[int(value)] if " class " in name and value == value else value
