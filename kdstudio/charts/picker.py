"""Small controls of a card: a combo box that the wheel leaves alone."""

from __future__ import annotations

from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QSlider


class Picker(QComboBox):
    """A combo box as wide as its longest entry needs, changed by click and key, never by a wheel passing over it."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.setMaximumWidth(200)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the page scroll."""
        event.ignore()

    def offer(self, entries: list[tuple[str, object]]) -> None:
        """Replace the entries by (words, data), keeping the choice where it is still there."""
        if [(self.itemText(i), self.itemData(i)) for i in range(self.count())] == entries:
            return
        chosen = self.currentData()
        self.blockSignals(True)
        self.clear()
        for words, data in entries:
            self.addItem(words, data)
        found = next((i for i, (_, data) in enumerate(entries) if data == chosen), 0)
        self.setCurrentIndex(found if entries else -1)
        self.blockSignals(False)


class QuietSlider(QSlider):
    """A slider that a wheel passing over it leaves alone."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the page scroll."""
        event.ignore()
