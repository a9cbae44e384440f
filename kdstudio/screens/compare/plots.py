"""The tab of plots: every number that runs measured, one card each, all runs in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from engine.comparison import Comparison, Side, curves, matrices
from engine.comparison.curves import Overlay
from engine.comparison.matrices import Kind
from engine.runs import Column
from kdstudio import theme
from kdstudio.charts.board import RIGHT, Board
from kdstudio.charts.card import Card
from kdstudio.charts.lens import Lens
from kdstudio.charts.lens_bar import LensBar
from kdstudio.charts.overlay import OverlayCard, Track
from kdstudio.charts.picker import switch
from kdstudio.charts.redraw import Redraw
from kdstudio.charts.run_rows import RunRowsCard
from kdstudio.screens.compare.reading import Reader
from kdstudio.widgets import boxes, run_colours


class PlotsTab(QWidget):
    """Over what, how smooth, each run or the mean over seeds; below it the board. `pointed`: the cursor's place and values."""

    pointed = Signal(str, dict)

    def __init__(self, reader: Reader, visible: Callable[[], list[Side]], dress: Callable[[Card], None]) -> None:
        super().__init__()
        self.reader, self._visible, self._dress = reader, visible, dress
        self.comparison: Comparison | None = None
        self.lens = Lens(self)
        self.lens_bar = LensBar(self.lens, "compare")
        self.board = Board()
        self.redraw = Redraw(self.board, self)
        self.redraw.at_once = True
        self.search = QLineEdit()
        self.means = switch("means", "One curve an experiment: the mean of its seeds, with a band of one deviation")
        self.every = switch("all", "Also weighted terms, gradients and the like")
        self._build()
        reader.read.connect(self._read)

    def _build(self) -> None:
        bar = boxes.row(theme.HALF)
        bar.addWidget(self.lens_bar)
        bar.addSpacing(theme.SPACE)
        bar.addWidget(self.means)
        bar.addWidget(self.every)
        self.search.setPlaceholderText("Find a plot…")
        self.search.setAccessibleName("Find a plot")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(theme.SPACE * 10)
        self.search.setMaximumWidth(theme.CELL)
        bar.addWidget(self.search, 1)
        bar.setAlignment(self.search, Qt.AlignmentFlag.AlignRight)
        bar.setContentsMargins(0, 0, RIGHT, 0)
        column = boxes.column(theme.SPACE, self)
        column.addLayout(bar)
        column.addWidget(self.board, 1)
        self.lens.changed.connect(self.mark_all)
        self.means.toggled.connect(self.mark_all)
        self.every.toggled.connect(self._lay)
        self.search.textChanged.connect(self._lay)

    def show_comparison(self, found: Comparison) -> None:
        """Lay a card for every number; the same cards stay where the runs have the same numbers."""
        self.comparison = found
        self._lay()

    def _wanted(self) -> list[Overlay]:
        if self.comparison is None:
            return []
        words = self.search.text().lower().split()
        quiet = () if self.every.isChecked() else curves.QUIET
        return [
            overlay
            for overlay in self.comparison.overlays
            if not overlay.key.partition("/")[2].startswith(quiet or ("\0",))
            and all(word in f"{overlay.title} {overlay.key}".lower() for word in words)
        ]

    def _lay(self) -> None:
        wanted, rows = self._wanted(), self._distributions()
        keys = [*(overlay.key for overlay in wanted), *(f"distribution/{kind.watch}" for kind in rows)]
        if [card.key for card in self.board.cards] != keys:
            self.redraw.forget()
            self.board.clear()
            for overlay in wanted:
                self.redraw.later(partial(self._add, overlay))
            for kind in rows:
                self.redraw.later(partial(self._add_rows, kind))
            self.redraw.finish()
        self.mark_all()

    def _distributions(self) -> list[Kind]:
        words = self.search.text().lower().split()
        every = matrices.distributions(self.comparison.sides) if self.comparison is not None else []
        return [kind for kind in every if all(word in f"{kind.title} {kind.watch}".lower() for word in words)]

    def _add_rows(self, kind: Kind) -> None:
        def named(side: Side) -> str:
            return side.label if self.comparison is None else self.comparison.label(side)

        card = RunRowsCard(kind, lambda kind: matrices.rows_of(self._visible(), kind), named)
        card.stale.connect(self.redraw.mark)
        self._dress(card)
        self.board.add(card)

    def _add(self, overlay: Overlay) -> None:
        card = OverlayCard(overlay, self._tracks, self.lens)
        card.pointed.connect(lambda words, values: self.pointed.emit(f"{overlay.title}, {words}" if words else "", values))
        card.stale.connect(self.redraw.mark)
        self._dress(card)
        self.board.add(card)

    def mark_all(self) -> None:
        """Draw anew whatever is in sight, and the others when they are."""
        for card in self.board.cards:
            self.redraw.mark(card)

    def _read(self, keys: tuple[str, ...]) -> None:
        for card in self.board.cards:
            if card.key in keys:
                self.redraw.mark(card)

    def _tracks(self, card: OverlayCard) -> list[Track] | None:
        held = self.reader.curves(card.overlay.key)
        if held is None or self.comparison is None:
            return None
        if self.means.isChecked():
            return self._means(held)
        return [self._track(side, held[side.name]) for side in self._visible() if side.name in held]

    def _track(self, side: Side, column: Column) -> Track:
        assert self.comparison is not None
        pen = run_colours.pen(self.comparison.numbers[side.name])
        return Track(side.name, self.comparison.label(side), pen, curves.positions(column, self.lens.axis), column.values)

    def _means(self, held: dict[str, Column]) -> list[Track]:
        """A track for each experiment, over those of its runs that are shown and count, in the colour of the first."""
        assert self.comparison is not None
        found, visible = list[Track](), self._visible()
        for contender in self.comparison.contenders:
            sides = [s for s in contender.sides if s in visible and s.name in held and (s.counts or len(contender.sides) == 1)]
            if sides:
                band = curves.gathered([(curves.positions(held[s.name], self.lens.axis), held[s.name].values) for s in sides])
                pen = run_colours.pen(self.comparison.numbers[sides[0].name])
                spread = band.deviation if len(sides) > 1 else None
                found.append(Track(sides[0].name, f"{contender.title}, {len(sides)} seeds", pen, band.x, band.mean, spread))
        return found
