"""A layout of equal columns: as many as have room, cells of one row equally high, hidden cells left out."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QLayoutItem, QWidget

from kdstudio import theme
from kdstudio.widgets.item_layout import ItemLayout

WIDE = "wide"
"""Property of a widget that takes a row of its own."""


class Columns(ItemLayout):
    """Columns at least `least` pixels wide; `counts` are the numbers of columns allowed (empty: any)."""

    def __init__(self, least: int, counts: tuple[int, ...] = (), *, across: int = theme.GAP, down: int = theme.GAP) -> None:
        super().__init__()
        self._least, self._counts = least, counts
        self._across, self._down = across, down

    def insert_widget(self, index: int, widget: QWidget) -> None:
        """Put a widget before the item at a position."""
        self.addWidget(widget)
        self._items.insert(index, self._items.pop())

    def expandingDirections(self) -> Qt.Orientation:
        """Takes whatever width there is."""
        return Qt.Orientation.Horizontal

    def heightForWidth(self, width: int) -> int:
        """Height of all rows at a width."""
        across = self._columns(width)
        cell = self._cell(width, across)
        heights = [max(_height(item, w) for item, w in row) for row in self._rows(across, cell, width)]
        return sum(heights) + self._down * max(0, len(heights) - 1)

    def setGeometry(self, rect: QRect) -> None:
        """Place every cell."""
        super().setGeometry(rect)
        across = self._columns(rect.width())
        cell = self._cell(rect.width(), across)
        top = rect.y()
        for row in self._rows(across, cell, rect.width()):
            high = max(_height(item, wide) for item, wide in row)
            for column, (item, wide) in enumerate(row):
                item.setGeometry(QRect(rect.x() + column * (cell + self._across), top, wide, high))
            top += high + self._down

    def sizeHint(self) -> QSize:
        """One column."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        """One column; the height follows from the width."""
        return QSize(self._least, 0)

    def columns(self) -> int:
        """How many columns there are at the present width."""
        return self._columns(self.geometry().width())

    def _columns(self, width: int) -> int:
        most = max(1, (width + self._across) // (self._least + self._across))
        return max((n for n in self._counts if n <= most), default=1) if self._counts else most

    def _cell(self, width: int, across: int) -> int:
        return (width - self._across * (across - 1)) // across

    def _rows(self, across: int, cell: int, width: int) -> Iterator[list[tuple[QLayoutItem, int]]]:
        row: list[tuple[QLayoutItem, int]] = []
        for item in self._items:
            if item.isEmpty():
                continue
            widget = item.widget()
            if widget is not None and widget.property(WIDE):
                yield from filter(None, [row])
                yield [(item, width)]
                row = []
            else:
                row.append((item, cell))
                if len(row) == across:
                    yield row
                    row = []
        yield from filter(None, [row])


def _height(item: QLayoutItem, width: int) -> int:
    return item.heightForWidth(width) if item.hasHeightForWidth() else item.sizeHint().height()
