"""A layout that sets its widgets in a row, as wide as each wants to be, and goes on in the next row."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QWidget

from kdstudio.widgets.item_layout import ItemLayout


class Flow(ItemLayout):
    """Words in a line, but with widgets; one that appears never moves those before it."""

    def __init__(self, parent: QWidget | None = None, gap: int = 8) -> None:
        super().__init__(parent)
        self._gap = gap

    def expandingDirections(self) -> Qt.Orientation:
        """Grows in no direction by itself."""
        return Qt.Orientation(0)

    def heightForWidth(self, width: int) -> int:
        """Height of all rows at a width."""
        places = self._places(QRect(0, 0, width, 0))
        return max((p.bottom() + 1 for p in places), default=0)

    def setGeometry(self, rect: QRect) -> None:
        """Place every widget."""
        super().setGeometry(rect)
        for item, place in zip(self._items, self._places(rect), strict=True):
            item.setGeometry(place)

    def sizeHint(self) -> QSize:
        """One widget."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        """The narrowest row there can be."""
        return QSize(
            max((i.minimumSize().width() for i in self._items), default=0),
            max((i.sizeHint().height() for i in self._items), default=0),
        )

    def _places(self, rect: QRect) -> list[QRect]:
        x, y, found = rect.x(), rect.y(), []
        for item in self._items:
            size = item.sizeHint()
            width = min(size.width(), rect.width())
            if x > rect.x() and x + width > rect.right() + 1:
                x, y = rect.x(), y + size.height()
            found.append(QRect(x, y, width, size.height()))
            x += width + self._gap
        return found
