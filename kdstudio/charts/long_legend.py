"""The legend of very many curves: a list that is painted where it is seen, with a search and all or none at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QPersistentModelIndex, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from kdstudio import theme
from kdstudio.charts.figures import figure, number_width, tabular
from kdstudio.charts.mark import STROKE, Mark
from kdstudio.widgets.icons import TextButton

ROWS = 4
"""Rows seen at once."""
WIDE = 200
"""Pixels of an entry."""
Index = QModelIndex | QPersistentModelIndex


class _Model(QAbstractListModel):
    """The marks that the search leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[Mark] = []

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """How many marks are listed."""
        return 0 if parent.isValid() else len(self.marks)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The name, for reading out and for Qt's own search."""
        mark = self.marks[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return mark.name
        return (mark.help or mark.name) if role == Qt.ItemDataRole.ToolTipRole else None

    def show(self, marks: list[Mark]) -> None:
        """List these."""
        self.beginResetModel()
        self.marks = marks
        self.endResetModel()


class _Painter(QStyledItemDelegate):
    """Stroke, name, value; faint where the curve is hidden."""

    def __init__(self, values: Mapping[str, float], hidden: set[str]) -> None:
        super().__init__()
        self._values, self._hidden = values, hidden
        self._font = tabular(theme.TEXT - 1)
        self._number = number_width(self._font)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All alike, so that Qt need not ask for each."""
        return QSize(WIDE, option.fontMetrics.height() + 4)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One entry."""
        mark: Mark = index.model().marks[index.row()]  # type: ignore[attr-defined]
        shown, box = mark.key not in self._hidden, option.rect.adjusted(0, 0, -8, 0)
        painter.setFont(self._font)
        if option.state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_HasFocus):
            painter.fillRect(box, theme.colour("raised"))
        painter.setPen(QPen(theme.series(mark.index) if shown else theme.colour("line"), 2))
        middle = box.center().y() + 0.5
        painter.drawLine(QPointF(box.left() + 1, middle), QPointF(box.left() + STROKE - 2, middle))
        painter.setPen(theme.colour("text" if shown else "muted"))
        name = QRect(box.left() + STROKE + 6, box.top(), box.width() - STROKE - 10 - self._number, box.height())
        words = painter.fontMetrics().elidedText(mark.name, Qt.TextElideMode.ElideMiddle, name.width())
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        if shown:
            value = figure(self._values.get(mark.key, float("nan")), mark.digits)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, value)


class _List(QListView):
    """A list that says when the pointer leaves it, and which entry a key was pressed on."""

    left = Signal()
    pressed_key = Signal(QModelIndex)

    def leaveEvent(self, event: QEvent) -> None:
        """The pointer has left."""
        super().leaveEvent(event)
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space and Return do what a click does."""
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.pressed_key.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)


class LongLegend(QWidget):
    """`toggled` carries the keys of curves and whether they are to be shown; `pointed` the key of the entry below the pointer,
    empty where it has left."""

    toggled = Signal(list, bool)
    pointed = Signal(str)

    def __init__(self, hidden: set[str]) -> None:
        super().__init__()
        self._hidden = hidden
        self._marks: list[Mark] = []
        self.values: dict[str, float] = {}
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search curves")
        self.search.setAccessibleName("Search curves")
        self.search.setClearButtonEnabled(True)
        self.all, self.none = TextButton("All", "link"), TextButton("None", "link")
        self.list = _List()
        self._model = _Model()
        self._build()

    def _build(self) -> None:
        self.list.setModel(self._model)
        self.list.setItemDelegate(_Painter(self.values, self._hidden))
        self.list.setFlow(QListView.Flow.LeftToRight)
        self.list.setWrapping(True)
        self.list.setUniformItemSizes(True)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setMouseTracking(True)
        self.list.setAccessibleName("Curves")
        self.list.setFixedHeight(ROWS * (self.list.fontMetrics().height() + 4) + 4)
        row = QHBoxLayout()
        row.addWidget(self.search, 1)
        for button, words in ((self.all, "Show every curve that is listed"), (self.none, "Hide every curve that is listed")):
            button.setToolTip(words)
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.list)
        self.search.textChanged.connect(self._list)
        self.all.clicked.connect(lambda: self.toggled.emit([m.key for m in self._model.marks], True))
        self.none.clicked.connect(lambda: self.toggled.emit([m.key for m in self._model.marks], False))
        self.list.clicked.connect(self._toggle)
        self.list.pressed_key.connect(self._toggle)
        self.list.entered.connect(lambda index: self.pointed.emit(self._model.marks[index.row()].key))
        self.list.left.connect(lambda: self.pointed.emit(""))

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(1 << 15, super().sizeHint().height())

    def show_marks(self, marks: list[Mark]) -> None:
        """Have exactly these entries in this order."""
        self._marks = marks
        self._list()

    def set_values(self, values: Mapping[str, float]) -> None:
        """The numbers beside the names."""
        self.values.update(values)
        self.list.viewport().update()

    def _list(self) -> None:
        sought = self.search.text().strip().lower()
        self._model.show([mark for mark in self._marks if sought in mark.name.lower()])

    def _toggle(self, index: QModelIndex) -> None:
        key = self._model.marks[index.row()].key
        self.toggled.emit([key], key in self._hidden)
