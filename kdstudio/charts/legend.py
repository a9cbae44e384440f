"""The legend of a curve chart, above the curves: a stroke, a name, a value that does not move; a click hides the curve. Of very
many curves it is a list (see `long_legend`)."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from kdstudio import theme
from kdstudio.charts.figures import figure, number_width, tabular
from kdstudio.charts.flow import Flow
from kdstudio.charts.long_legend import LongLegend
from kdstudio.charts.mark import STROKE, Mark

MANY = 16
"""More entries than this become a list."""


class Entry(QAbstractButton):
    """One curve's line in the legend; checked while the curve is shown. `pointed` carries its key while the pointer is on it,
    and nothing when that has left."""

    pointed = Signal(str)

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self._value = figure(float("nan"))
        self.setText(mark.name)
        self.setToolTip(f"{mark.help or mark.name}\nClick to hide or show")
        self.setCheckable(True)
        self.setChecked(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFont(tabular(theme.TEXT - 1))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Say which curve is meant."""
        super().enterEvent(event)
        self.pointed.emit(self.mark.key)

    def leaveEvent(self, event: QEvent) -> None:
        """None any more."""
        super().leaveEvent(event)
        self.pointed.emit("")

    def set_value(self, value: float) -> None:
        """The number beside the name."""
        words = figure(value, self.mark.digits)
        if words != self._value:
            self._value = words
            self.update()

    def colour(self) -> QColor:
        """The colour of its curve."""
        return theme.series(self.mark.index)

    def sizeHint(self) -> QSize:
        """Wide enough for the name and for any value."""
        metrics = self.fontMetrics()
        name = min(metrics.horizontalAdvance(self.text()) + 1, 190)
        return QSize(STROKE + 6 + name + 8 + number_width(self.font()), metrics.height() + 4)

    def minimumSizeHint(self) -> QSize:
        """The name may be elided."""
        return QSize(STROKE + 40 + number_width(self.font()), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Stroke, name, value; faint when hidden, underlined by the keyboard's focus."""
        painter = QPainter(self)
        middle = self.height() / 2
        shown = self.isChecked()
        if self.hasFocus() or self.underMouse():
            painter.fillRect(self.rect(), theme.colour("raised"))
        style = Qt.PenStyle.DashLine if self.mark.dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(self.colour() if shown else theme.colour("line"), 2, style))
        painter.drawLine(QPointF(1, middle), QPointF(STROKE - 2, middle))
        number = number_width(self.font())
        name = QRect(STROKE + 6, 0, self.width() - STROKE - 6 - number - 4, self.height())
        painter.setPen(theme.colour("text") if shown else theme.colour("muted"))
        centred = Qt.AlignmentFlag.AlignVCenter
        words = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, name.width())
        painter.drawText(name, centred | Qt.AlignmentFlag.AlignLeft, words)
        if shown:
            painter.drawText(self.rect().adjusted(0, 0, -2, 0), centred | Qt.AlignmentFlag.AlignRight, self._value)
        painter.end()


class Key(QWidget):
    """A swatch and a name, without a value."""

    def __init__(self, name: str, index: int) -> None:
        super().__init__()
        self.index, self.name = index, name
        self.setToolTip(name)
        self.setFont(tabular(theme.TEXT - 2))
        self.setFixedHeight(self.fontMetrics().height() + 2)
        self.setMinimumWidth(min(60, self.sizeHint().width()))

    def sizeHint(self) -> QSize:
        """As wide as the name."""
        return QSize(18 + self.fontMetrics().horizontalAdvance(self.name) + 6, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Swatch and name."""
        painter = QPainter(self)
        painter.fillRect(QRect(1, self.height() // 2 - 3, 10, 7), theme.series(self.index))
        painter.setPen(theme.colour("text"))
        words = self.fontMetrics().elidedText(self.name, Qt.TextElideMode.ElideRight, self.width() - 18)
        painter.drawText(self.rect().adjusted(18, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        painter.end()


class Legend(QWidget):
    """All entries of a chart. `toggled` says that one was hidden or shown; `pointed` which one the pointer is on, by its key,
    empty for none."""

    toggled = Signal()
    pointed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[str, Entry] = {}
        self.long: LongLegend | None = None
        self._marks: list[Mark] = []
        self._hidden: set[str] = set()
        self._flow = Flow(self, gap=12)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_marks(self, marks: list[Mark]) -> None:
        """Have exactly these entries in this order; what was hidden stays hidden."""
        if marks == self._marks:
            return
        self._marks = marks
        if len(marks) > MANY:
            self._show_list(marks)
            return
        if self.long is not None:
            self._flow.removeWidget(self.long)
            self.long.hide()
            self.long.deleteLater()
            self.long = None
        for entry in self.entries.values():
            self._flow.removeWidget(entry)
            entry.hide()
            entry.deleteLater()
        self.entries = {mark.key: self._made(mark) for mark in marks}
        settle(self)

    def _show_list(self, marks: list[Mark]) -> None:
        """Have these entries as a list."""
        for entry in self.entries.values():
            self._flow.removeWidget(entry)
            entry.hide()
            entry.deleteLater()
        self.entries = {}
        if self.long is None:
            self.long = LongLegend(self._hidden)
            self.long.toggled.connect(self._toggle_all)
            self.long.pointed.connect(self.pointed)
            self._flow.addWidget(self.long)
            self.long.show()
        self.long.show_marks(marks)
        settle(self)

    def shown(self, key: str) -> bool:
        """Whether a curve is to be drawn."""
        return key not in self._hidden

    def set_values(self, values: Mapping[str, float]) -> None:
        """The numbers beside the names, by the keys of the curves."""
        if self.long is not None:
            self.long.set_values(values)
            return
        for key, value in values.items():
            self.entries[key].set_value(value)

    def _made(self, mark: Mark) -> Entry:
        entry = Entry(mark)
        entry.setChecked(mark.key not in self._hidden)
        entry.pointed.connect(self.pointed)
        entry.toggled.connect(lambda shown, key=mark.key: self._toggle(key, shown))
        self._flow.addWidget(entry)
        entry.show()
        return entry

    def _toggle(self, key: str, shown: bool) -> None:
        (self._hidden.discard if shown else self._hidden.add)(key)
        self.toggled.emit()

    def _toggle_all(self, keys: list[str], shown: bool) -> None:
        (self._hidden.difference_update if shown else self._hidden.update)(keys)
        self.toggled.emit()


def settle(widget: QWidget) -> None:
    """Lay out what has just been added, at once: Qt would do it after the first picture, which would jump."""
    above: QWidget | None = widget
    for _ in range(3):
        if above is None:
            return
        layout = above.layout()
        if layout is not None:
            layout.invalidate()
            layout.activate()
        above = above.parentWidget()
