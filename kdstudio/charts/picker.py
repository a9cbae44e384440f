"""Small controls of a card: a combo box and a slider that the wheel leaves alone, a switch."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QSlider, QStyle, QStyleOptionComboBox, QStylePainter, QToolButton

from kdstudio import theme
from kdstudio.widgets import icons


class Picker(QComboBox):
    """A combo box as wide as its longest entry needs, changed by click and key, never by a wheel passing over it."""

    def __init__(self, words: str) -> None:
        super().__init__()
        theme.set_role(self, "compact")
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.setMaximumWidth(200)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the page scroll."""
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The box of the style sheet, its entry elided where it is too long, and the family's chevron."""
        side = theme.ICON_SMALL - 2
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.entry_shown()  # type: ignore[attr-defined]
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        place = QRect(self.width() - side - 4, (self.height() - side) // 2, side, side)
        painter.drawPixmap(place, icons.pixmap("chevron-down", "muted", side))
        painter.end()

    def entry_shown(self) -> str:
        """The present entry, elided where there is no room for it left of the chevron."""
        option, control = QStyleOptionComboBox(), QStyle.ComplexControl.CC_ComboBox
        self.initStyleOption(option)
        room = self.style().subControlRect(control, option, QStyle.SubControl.SC_ComboBoxEditField, self).width()
        return self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room)

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


def switch(words: str, help: str) -> QToolButton:
    """A small button that stays pressed."""
    made = theme.set_role(QToolButton(), "compact")
    made.setText(words)
    made.setToolTip(help)
    made.setCheckable(True)
    return made
