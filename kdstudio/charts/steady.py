"""A text of fixed width that changes without asking for a new layout: a QLabel makes its whole page be laid out again."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from kdstudio import theme
from kdstudio.charts.figures import tabular


class Steady(QWidget):
    """One line with digits of equal width, as wide as `widest`; `tone` is a colour of the theme, `size` in pixels."""

    def __init__(
        self, widest: str, tone: str = "muted", size: int = theme.TEXT, side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignRight
    ) -> None:
        super().__init__()
        self._words, self._tone, self._side = "", tone, side | Qt.AlignmentFlag.AlignVCenter
        self.ground = ""  # the colour below the words, where they stand over something
        self.setFont(tabular(size))
        metrics = QFontMetrics(self.font())
        self._size = QSize(metrics.horizontalAdvance(widest) + 2, metrics.height())
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def text(self) -> str:
        """What is written."""
        return self._words

    def set_text(self, words: str) -> None:
        """Write something else."""
        if words != self._words:
            self._words = words
            self.update()

    def sizeHint(self) -> QSize:
        """The room kept for the widest text."""
        return self._size

    def paintEvent(self, event: QPaintEvent) -> None:
        """The text, cut where it is too wide."""
        painter = QPainter(self)
        if self.ground:
            painter.fillRect(self.rect(), theme.colour(self.ground))
        painter.setPen(theme.colour(self._tone))
        words = self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), self._side, words)
        painter.end()


class Elided(Steady):
    """One line that gives way: as wide as there is room, cut at its end, whole in its tooltip."""

    def __init__(self, tone: str = "muted", size: int = theme.TEXT, *, bold: bool = False) -> None:
        super().__init__("", tone, size, Qt.AlignmentFlag.AlignLeft)
        font = self.font()
        font.setWeight(font.Weight.DemiBold if bold else font.Weight.Normal)
        self.setFont(font)
        self._size = QSize(0, QFontMetrics(font).height())
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_text(self, words: str) -> None:
        """Write something else."""
        super().set_text(words)
        self.setToolTip(words)
