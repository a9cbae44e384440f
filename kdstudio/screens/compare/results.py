"""The tab of results: experiments over their seeds beside the pinned baseline, their runs below them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from engine.comparison import Comparison, Side, text
from engine.comparison.contenders import Contender
from kdstudio import theme
from kdstudio.charts.figures import tabular
from kdstudio.widgets import boxes, run_colours
from kdstudio.widgets.icons import TextButton
from kdstudio.widgets.texts import Elided, wrapped

TONES = {"better": "good", "worse": "problem"}
MARK = 20
FIRST = 270
"""Pixels of the column of names."""


class ResultsTab(QWidget):
    """The table, what it means, and what weakens it."""

    def __init__(self) -> None:
        super().__init__()
        self.comparison: Comparison | None = None
        self.tree = QTreeWidget()
        self.tree.setObjectName("results")
        self.tree.setAccessibleName("Results")
        self.tree.setRootIsDecorated(True)
        self.tree.setUniformRowHeights(True)
        self.tree.setFont(tabular())
        self.tree.header().setStretchLastSection(False)
        self.meaning = wrapped("", "muted")
        self.remarks = wrapped("", "warning")
        self.copy = TextButton("Copy as Markdown", "secondary", "copy")
        self.copy.clicked.connect(self.copy_table)
        head = boxes.row(theme.SPACE)
        head.addWidget(Elided("A difference in green or red: its 95 % interval leaves zero out.", "muted"), 1)
        head.addWidget(self.copy)
        column = boxes.column(theme.SPACE, self)
        column.addLayout(head)
        column.addWidget(self.tree, 1)
        column.addWidget(self.remarks)
        column.addWidget(self.meaning)
        theme.signals.changed.connect(self._again)

    def show_comparison(self, found: Comparison) -> None:
        """Fill the table."""
        self.comparison = found
        heads = ["experiment", "seeds"]
        for metric in found.metrics:
            heads += [metric.heading(), "to baseline"] if metric.paired else [metric.heading()]
        self.tree.clear()
        self.tree.setColumnCount(len(heads))
        self.tree.setHeaderLabels(heads)
        for contender in found.contenders:
            self.tree.addTopLevelItem(self._of(contender, found))
        self.tree.expandAll()
        for n in range(1, len(heads)):
            self.tree.header().setSectionResizeMode(n, QHeaderView.ResizeMode.ResizeToContents)
            self.tree.headerItem().setTextAlignment(n, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.tree.setColumnWidth(0, FIRST)
        self.meaning.setText(found.meaning())
        self.remarks.setText("\n".join(found.remarks))
        self.remarks.setVisible(bool(found.remarks))

    def _of(self, contender: Contender, found: Comparison) -> QTreeWidgetItem:
        own = contender is found.against
        item = QTreeWidgetItem([found.name(contender) + (" (baseline)" if own else "")])
        item.setToolTip(0, contender.title)
        font = self.tree.font()
        font.setWeight(font.Weight.DemiBold)
        item.setFont(0, font)
        _put(item, 1, str(sum(side.counts for side in contender.sides)))
        column = 2
        for metric in found.metrics:
            cell = found.cell(contender, metric)
            _put(item, column, cell.value)
            if metric.paired:
                column += 1
                _put(item, column, "" if own else cell.difference, TONES.get(cell.verdict, "muted"))
            column += 1
        for side in contender.sides:
            item.addChild(self._run(side, found))
        return item

    def _run(self, side: Side, found: Comparison) -> QTreeWidgetItem:
        item = QTreeWidgetItem([side.name])
        item.setIcon(0, _mark(found.numbers[side.name]))
        item.setToolTip(0, found.label(side))
        _put(item, 1, f"seed {side.seed}", "muted")
        column = 2
        for metric in found.metrics:
            _put(item, column, metric.words(side.value(metric.name)), "text" if side.counts else "faint")
            column += 2 if metric.paired else 1
        return item

    def copy_table(self) -> None:
        """Put the table of experiments on the clipboard as Markdown."""
        if self.comparison is not None:
            QGuiApplication.clipboard().setText("\n".join(text.table(*text.results(self.comparison), numbers=True)) + "\n")

    def _again(self) -> None:
        if self.comparison is not None:
            self.show_comparison(self.comparison)


def _put(item: QTreeWidgetItem, column: int, words: str, tone: str = "text") -> None:
    item.setText(column, words)
    item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    item.setForeground(column, QBrush(theme.colour(tone)))


def _mark(number: int) -> QIcon:
    """A piece of a run's curve as an icon."""
    made = QPixmap(MARK, MARK)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setPen(run_colours.pen(number, 2))
    painter.drawLine(1, MARK // 2, MARK - 2, MARK // 2)
    painter.end()
    return QIcon(made)
