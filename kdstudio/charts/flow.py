"""A layout that sets its widgets in columns of one width, as many as fit, row after row."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class Flow(QLayout):
    """Every widget gets the width of the widest; a widget that appears never moves those before it."""

    def __init__(self, parent: QWidget | None = None, gap: int = 8) -> None:
        super().__init__(parent)
        self.setContentsMargins(0, 0, 0, 0)
        self._items: list[QLayoutItem] = []
        self._gap = gap

    def addItem(self, item: QLayoutItem) -> None:
        """Qt's own way of adding."""
        self._items.append(item)

    def count(self) -> int:
        """How many widgets there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]
        """The item at a place, or None past the end."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]
        """Remove and return the item at a place."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """Grows in no direction by itself."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """Narrower means more rows."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Height of all rows at a width."""
        columns, _, height = self._measure(width)
        return -(-len(self._items) // columns) * height if self._items else 0

    def setGeometry(self, rect: QRect) -> None:
        """Place every widget."""
        super().setGeometry(rect)
        columns, width, height = self._measure(rect.width())
        for i, item in enumerate(self._items):
            row, column = divmod(i, columns)
            item.setGeometry(QRect(rect.x() + column * (width + self._gap), rect.y() + row * height, width, height))

    def sizeHint(self) -> QSize:
        """One row."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        """One widget."""
        width = min((i.minimumSize().width() for i in self._items), default=0)
        return QSize(width, max((i.sizeHint().height() for i in self._items), default=0))

    def _measure(self, width: int) -> tuple[int, int, int]:
        wanted = max((i.sizeHint().width() for i in self._items), default=1)
        columns = max(1, (width + self._gap) // (wanted + self._gap))
        each = min(wanted, width)
        return columns, each, max((i.sizeHint().height() for i in self._items), default=0)
