"""The tab of what was varied: parallel coordinates, and how much of the differences each setting explains."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from engine.comparison import Comparison, Side, importance
from engine.comparison.importance import Importance
from engine.comparison.metrics import NAMES
from kdstudio import theme
from kdstudio.charts.board import RIGHT, Board
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.figures import tabular
from kdstudio.charts.parallel import ParallelCard
from kdstudio.charts.picker import Picker
from kdstudio.widgets import boxes
from kdstudio.widgets.texts import Elided

ROW = 24
HELP = (
    "Share of the variance between runs that a setting explains alone (ε², corrected for the number of its values), and "
    "Spearman's rank correlation. Settings that were changed together share the credit"
)
FEW = f"Importance needs at least {importance.FEWEST} finished runs that differ in a setting."


class ImportanceBars(QWidget):
    """A bar each setting, the one that explains most first."""

    def __init__(self) -> None:
        super().__init__()
        self.setFont(tabular(theme.TEXT - 1))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Importance of settings")
        self.ranked: list[Importance] = []
        theme.signals.changed.connect(self.update)

    def minimumSizeHint(self) -> QSize:
        """A few rows."""
        return QSize(200, 4 * ROW)

    def show_ranked(self, ranked: list[Importance]) -> None:
        """Show these."""
        self.ranked = ranked
        self.setToolTip("\n".join(f"{one.path}: {100 * one.share:.1f} %" for one in ranked))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Name, bar, share, correlation."""
        painter, metrics = QPainter(self), self.fontMetrics()
        name, trend, number = min(180, self.width() // 3), 52, 46
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for n, one in enumerate(self.ranked[: max(1, self.height() // ROW)]):
            top = n * ROW
            painter.setPen(theme.colour("text"))
            words = metrics.elidedText(one.label, Qt.TextElideMode.ElideRight, name - 8)
            painter.drawText(QRectF(0, top, name - 8, ROW), right, words)
            room = self.width() - name - trend - number - 8
            painter.fillRect(QRectF(name, top + 6, room, ROW - 12), theme.colour("raised"))
            painter.fillRect(QRectF(name, top + 6, room * one.share, ROW - 12), theme.series(0))
            painter.drawText(QRectF(name + room, top, number, ROW), right, f"{100 * one.share:.0f} %")
            painter.setPen(theme.colour("muted"))
            said = "" if one.trend is None else f"{one.trend:+.2f}".replace("-", "−")
            painter.drawText(QRectF(name + room + number, top, trend, ROW), right, said)
        painter.end()


class ImportanceCard(Card):
    """The bars as a card."""

    def __init__(self) -> None:
        super().__init__("Importance", "variance explained · rank correlation", HELP)
        self.key, self.span = "importance", 2
        self.bars = ImportanceBars()
        self._stack = QStackedWidget()
        self._stack.addWidget(Waiting(FEW))
        self._stack.addWidget(self.bars)
        self.body.addWidget(self._stack)

    def show_ranked(self, ranked: list[Importance]) -> None:
        """Show these."""
        self._stack.setCurrentIndex(1 if ranked else 0)
        self.bars.show_ranked(ranked)

    def redraw(self) -> None:
        """Nothing but paint: the numbers are given."""
        self.bars.update()

    def table(self) -> Rows:
        """Every setting."""
        yield ("setting", "variance explained", "rank correlation", "runs")
        for one in self.bars.ranked:
            yield (one.path, one.share, "" if one.trend is None else one.trend, one.runs)


class VariedTab(QWidget):
    """Both cards over one number that came out."""

    def __init__(self, visible: Callable[[], list[Side]], dress: Callable[[Card], None]) -> None:
        super().__init__()
        self.comparison: Comparison | None = None
        self._visible = visible
        self.outcome = Picker("What came out")
        self.parallel, self.importance = ParallelCard(), ImportanceCard()
        self.board = Board()
        for card in (self.parallel, self.importance):
            dress(card)
            self.board.add(card)
        bar = boxes.row(theme.SPACE)
        bar.setContentsMargins(0, 0, RIGHT, 0)
        bar.addWidget(self.outcome)
        bar.addWidget(Elided("Drag along an axis to keep the runs that cross it there; click it to let go.", "muted"), 1)
        column = boxes.column(theme.SPACE, self)
        column.addLayout(bar)
        column.addWidget(self.board, 1)
        self.outcome.currentIndexChanged.connect(self.refresh)

    def show_comparison(self, found: Comparison) -> None:
        """Show the runs."""
        self.comparison = found
        self.outcome.offer([(metric.heading(), metric.name) for metric in found.metrics])
        self.refresh()

    def refresh(self) -> None:
        """Draw the runs that are shown."""
        found, visible = self.comparison, self._visible()
        if found is None or not self.outcome.count() or not visible:
            return
        metric = NAMES[str(self.outcome.currentData())]
        axes = importance.axes(visible, metric.name, metric.heading(), found.catalogue)
        self.parallel.picture.show_runs(axes, [found.numbers[s.name] for s in visible], [found.label(s) for s in visible])
        self.importance.show_ranked(importance.importance(visible, metric.name, found.catalogue))
