"""The tab of settings: what every run ran, side by side, the differences alone unless all are asked for."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QCheckBox, QHeaderView, QLineEdit, QStackedWidget, QTableView, QWidget

from engine.comparison import Comparison
from engine.comparison.contents import Setting
from kdstudio import theme
from kdstudio.charts.card import Waiting
from kdstudio.charts.figures import tabular
from kdstudio.widgets import boxes
from kdstudio.widgets.texts import label

Index = QModelIndex | QPersistentModelIndex
NAME, VALUE = 260, 150
"""Pixels of the column of names, and of each run's."""
SAME = "All settings are the same."


class Settings(QAbstractTableModel):
    """A row each setting, a column each run; values that are not the baseline's stand out."""

    def __init__(self) -> None:
        super().__init__()
        self.comparison: Comparison | None = None
        self.rows: list[Setting] = []
        self.baseline = 0

    def show(self, found: Comparison, rows: list[Setting]) -> None:
        """Have these rows."""
        self.beginResetModel()
        self.comparison, self.rows = found, rows
        self.baseline = found.sides.index(found.baseline)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Settings."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """The name, and each run."""
        return 0 if parent.isValid() or self.comparison is None else 1 + len(self.comparison.sides)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Words, and how they look."""
        setting, run = self.rows[index.row()], index.column() - 1
        if role == Qt.ItemDataRole.DisplayRole:
            return setting.title if run < 0 else setting.words(run)
        if role == Qt.ItemDataRole.ToolTipRole:
            return setting.path if run < 0 else f"{setting.path}: {setting.words(run)}"
        other = run >= 0 and setting.words(run) != setting.words(self.baseline)
        if role == Qt.ItemDataRole.BackgroundRole and other:
            return theme.colour("accent_soft")
        if role == Qt.ItemDataRole.ForegroundRole:
            return theme.colour("text" if run < 0 or other or run == self.baseline else "muted")
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The runs."""
        if orientation != Qt.Orientation.Horizontal or self.comparison is None:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextWordWrap)
        if section == 0:
            return "setting" if role == Qt.ItemDataRole.DisplayRole else None
        side = self.comparison.sides[section - 1]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.comparison.label(side) + (" (baseline)" if section - 1 == self.baseline else "")
        return side.name if role == Qt.ItemDataRole.ToolTipRole else None


class SettingsTab(QWidget):
    """A search, "differences only", and the table."""

    def __init__(self) -> None:
        super().__init__()
        self.comparison: Comparison | None = None
        self.model = Settings()
        self.view = QTableView()
        self.view.setModel(self.model)
        self.view.setAccessibleName("Settings side by side")
        self.view.setShowGrid(False)
        self.view.setFont(tabular())
        self.view.verticalHeader().setVisible(False)
        self.view.horizontalHeader().setHighlightSections(False)
        self.view.horizontalHeader().setFixedHeight(theme.SPACE * 7)
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.only = QCheckBox("Differences only")
        self.only.setChecked(True)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a setting…")
        self.search.setAccessibleName("Find a setting")
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(theme.CELL)
        self.count = label("", "muted")
        self._pages = QStackedWidget()
        self._pages.addWidget(self.view)
        self._pages.addWidget(Waiting(SAME))
        bar = boxes.row(theme.SPACE)
        bar.addWidget(self.only)
        bar.addWidget(self.count, 1)
        bar.addWidget(self.search)
        column = boxes.column(theme.SPACE, self)
        column.addLayout(bar)
        column.addWidget(self._pages, 1)
        self.only.toggled.connect(self._fill)
        self.search.textChanged.connect(self._fill)
        theme.signals.changed.connect(self.view.viewport().update)

    def show_comparison(self, found: Comparison) -> None:
        """Fill the table."""
        self.comparison = found
        self._fill()
        self.view.setColumnWidth(0, NAME)
        for n in range(len(found.sides)):
            self.view.setColumnWidth(n + 1, VALUE)

    def _fill(self) -> None:
        if self.comparison is None:
            return
        rows = self.comparison.differing if self.only.isChecked() else self.comparison.settings
        words = self.search.text().lower().split()
        shown = [s for s in rows if all(word in f"{s.path} {s.label}".lower() for word in words)]
        self.model.show(self.comparison, shown)
        self._pages.setCurrentIndex(1 if self.only.isChecked() and not rows else 0)
        self.count.setText(f"{len(self.comparison.differing)} of {len(self.comparison.settings)} differ")
