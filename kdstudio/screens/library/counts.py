"""How many images each class has: a bar a class, those of the parts over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QRectF, QSize
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from kdstudio import theme
from kdstudio.quantities import grouped

HEIGHT = 96
WIDEST = 28
"""Width of a bar where there are few."""


def summary(counts: Mapping[str, Sequence[int]]) -> str:
    """`500 of each class in train, 100 in test`, or from the least to the most."""
    return ", ".join(f"{_spread(each)} in {part}" for part, each in counts.items() if len(each) > 1)


def _spread(each: Sequence[int]) -> str:
    least, most = min(each), max(each)
    return f"{grouped(most)} of each class" if least == most else f"{grouped(least)} to {grouped(most)} of a class"


class ClassCounts(QWidget):
    """Bars over the classes in their order; the one under the cursor is told in numbers."""

    def __init__(self, names: Sequence[str], counts: Mapping[str, Sequence[int]]) -> None:
        super().__init__()
        self.names = tuple(names)
        self.counts = {part: tuple(each) for part, each in counts.items() if len(each) == len(names)}
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Images of each class")
        self.setAccessibleDescription(summary(self.counts))
        theme.signals.changed.connect(self.update)

    def minimumSizeHint(self) -> QSize:
        """A pixel a class, within reason."""
        return QSize(min(theme.SIDE, len(self.names)), HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bars from the bottom, the training images first."""
        if not self.names or not self.counts:
            return
        most = max(map(sum, zip(*self.counts.values()))) or 1
        room = min(WIDEST + 2.0, self.width() / len(self.names))
        painter = QPainter(self)
        for n in range(len(self.names)):
            bottom = float(HEIGHT)
            for number, each in enumerate(self.counts.values()):
                high = (HEIGHT - 2) * each[n] / most
                colour = theme.series(0)
                colour.setAlphaF((0.85, 0.5, 0.3)[min(number, 2)])
                gap = 1.0 if room > 3 else 0.0
                painter.fillRect(QRectF(n * room, bottom - high, room - gap, high), colour)
                bottom -= high
        painter.end()

    def told(self, n: int) -> str:
        """A class in words."""
        return f"{self.names[n]}: " + ", ".join(f"{grouped(each[n])} {part}" for part, each in self.counts.items())

    def event(self, event: QEvent) -> bool:
        """The class under the cursor."""
        if isinstance(event, QHelpEvent) and self.names:
            room = min(WIDEST + 2.0, self.width() / len(self.names))
            n = int(event.pos().x() / room)
            QToolTip.showText(event.globalPos(), self.told(n) if n < len(self.names) else "", self)
            return True
        return super().event(event)


def legend(counts: Mapping[str, Sequence[int]]) -> str:
    """The parts from the bottom, in words."""
    return " · ".join(f"{part}: {grouped(sum(each))} images" for part, each in counts.items())
