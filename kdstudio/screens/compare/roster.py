"""The compared runs at the left of every tab: colour, title, a number, and what can be done with each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from engine.comparison import Comparison, Side
from kdstudio import theme
from kdstudio.charts.figures import figure, tabular
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import IconButton
from kdstudio.widgets.run_colours import Swatch
from kdstudio.widgets.texts import Elided, chip, label

WIDTH = theme.SIDE - theme.SPACE * 5
TONES = {"running": "accent", "stopped": "warning", "interrupted": "warning", "failed": "problem"}


class RosterRow(QFrame):
    """One run."""

    shown = Signal(str, bool)
    pinned = Signal(str)
    removed = Signal(str)

    def __init__(self, side: Side, number: int, words: str) -> None:
        super().__init__()
        self.side, self.words = side, words
        self.swatch = Swatch(number)
        self.title = Elided(words.rpartition(" · seed ")[0])
        self.value = label("", "strong")
        self.value.setFont(tabular(theme.TEXT - 1))
        self.eye = IconButton("eye", f"Hide {words} everywhere", size=theme.ICON_SMALL)
        self.pin = IconButton("pin", f"Compare the others with {words}", size=theme.ICON_SMALL)
        self.pin.setCheckable(True)
        self.close_button = IconButton("close", f"Take {words} out of the comparison", size=theme.ICON_SMALL)
        self.setToolTip(f"{words}\n{side.name}\n{side.state}")
        self._build()

    def _build(self) -> None:
        top, below = boxes.row(theme.SPACE), boxes.row(theme.HALF)
        top.addWidget(self.swatch)
        top.addWidget(self.title, 1)
        top.addWidget(self.value)
        below.addSpacing(self.swatch.width() + theme.HALF)  # and the row's own gap: below the title
        below.addWidget(label(f"seed {self.side.seed}", "faint"))
        if self.side.state != "done":
            below.addWidget(chip(self.side.state, TONES.get(self.side.state, "")))
        if self.side.moved:
            moved = chip("weights moved", "warning")
            moved.setToolTip("A term's weight was moved by hand: the run is left out of means and paired differences")
            below.addWidget(moved)
        below.addStretch(1)
        for button in (self.eye, self.pin, self.close_button):
            below.addWidget(button)
        column = boxes.column(0, self)
        boxes.pad(column, 0, theme.HALF)
        column.addLayout(top)
        column.addLayout(below)
        name = self.side.name
        self.eye.clicked.connect(lambda: self.set_shown(not self.swatch.isEnabled()))
        self.pin.clicked.connect(lambda: self.pinned.emit(name))
        self.close_button.clicked.connect(lambda: self.removed.emit(name))

    def set_shown(self, on: bool) -> None:
        """Show the run everywhere, or hide it."""
        self.eye.set_icon("eye" if on else "eye-off", f"{'Hide' if on else 'Show'} {self.words} everywhere")
        self.swatch.setEnabled(on)
        self.title.setEnabled(on)
        self.shown.emit(self.side.name, on)


class Roster(QWidget):
    """All runs. `changed` says that one was hidden or shown, `pinned` which is the baseline now, `removed` which is to go."""

    changed = Signal()
    pinned = Signal(str)
    removed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(WIDTH)
        self.rows: dict[str, RosterRow] = {}
        self.hidden: set[str] = set()
        self._values: dict[str, str] = {}
        self._head = Elided("", "muted")
        self._page = theme.set_role(QWidget(), "plain")
        self._column = boxes.column(2, self._page)
        self._column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self._page)
        outer = boxes.column(theme.HALF, self)
        outer.addWidget(self._head)
        outer.addWidget(area, 1)

    def show_runs(self, found: Comparison) -> None:
        """Have a row for each run; what was hidden stays hidden."""
        self.hidden &= {side.name for side in found.sides}
        for row in self.rows.values():
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = {s.name: self._made(s, found.numbers[s.name], found.label(s)) for s in found.sides}
        metric = next((m for m in found.metrics if m.name in ("top1", "top1_last")), None)
        self._rest = metric.heading() if metric else ""
        self._values = {s.name: metric.words(s.value(metric.name)) if metric else "" for s in found.sides}
        self.pin(found.baseline.name)
        self.point("", {})

    def _made(self, side: Side, number: int, words: str) -> RosterRow:
        row = RosterRow(side, number, words)
        row.set_shown(side.name not in self.hidden)
        row.shown.connect(self._show)
        row.pinned.connect(self.pinned)
        row.removed.connect(self.removed)
        self._column.insertWidget(self._column.count() - 1, row)
        return row

    def pin(self, name: str) -> None:
        """Mark the baseline."""
        for each, row in self.rows.items():
            row.pin.setChecked(each == name)
            words = "The baseline: the others are compared with it" if each == name else f"Compare the others with {row.words}"
            row.pin.setToolTip(words)
            row.pin.setAccessibleName(words)

    def point(self, words: str, values: Mapping[str, float]) -> None:
        """Show what each run is at a plot's cursor; without words, what came out of it."""
        self._head.setText(words or self._rest)
        for name, row in self.rows.items():
            row.value.setText((figure(values[name]) if name in values else "") if words else self._values[name])

    def visible_sides(self) -> list[Side]:
        """The runs that are not hidden."""
        return [row.side for name, row in self.rows.items() if name not in self.hidden]

    def hidden_paths(self) -> tuple[Path, ...]:
        """The folders of those that are."""
        return tuple(row.side.path for name, row in self.rows.items() if name in self.hidden)

    def _show(self, name: str, on: bool) -> None:
        self.hidden = self.hidden - {name} if on else self.hidden | {name}
        self.changed.emit()

    def sizeHint(self) -> QSize:
        """Narrow beside the plots."""
        return QSize(WIDTH, 400)
