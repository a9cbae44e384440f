"""How a run is drawn wherever it is compared: its number gives a colour that any eye tells apart, and dashes."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from engine.comparison.colours import HUES
from kdstudio import theme

STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)
SWATCH = 22


def colour(number: int) -> QColor:
    """The colour of the run with this number in the present scheme."""
    return theme.series(number % HUES)


def pen(number: int, width: float = 0) -> QPen:
    """The pen of its curves; width 0 is one pixel at any zoom."""
    return QPen(colour(number), width, STYLES[number // HUES % len(STYLES)])


class Swatch(QWidget):
    """A piece of a run's curve."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.setFixedSize(QSize(SWATCH, theme.GAP))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The stroke, paler where it is hidden."""
        painter = QPainter(self)
        drawn = pen(self.number, 2)
        if not self.isEnabled():
            drawn.setColor(theme.colour("line"))
        painter.setPen(drawn)
        painter.drawLine(QPointF(1, self.height() / 2), QPointF(self.width() - 1, self.height() / 2))
        painter.end()
