"""Fields for numbers: any text may be typed and the checker judges it; stepping is sensible for the scale and the bounds."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QLocale, QRect, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QValidator, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QSizePolicy, QToolButton, QWidget

from engine.knobs import Spec
from kdstudio import theme
from kdstudio.widgets import boxes, icons


class NumberField(QAbstractSpinBox):
    """An integer or a number, perhaps nothing; its unit stands inside. Up and down step by a sensible amount."""

    edited = Signal(object)

    def __init__(self, spec: Spec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setLocale(QLocale.c())
        self.setMinimumWidth(theme.SPACE * 8)
        room = QFontMetrics(theme.label_font()).horizontalAdvance(spec.unit) + theme.SPACE if spec.unit else 0
        self.lineEdit().setTextMargins(theme.SPACE, 0, room, 0)
        self.lineEdit().setPlaceholderText("not set" if spec.default is None else "")
        self.lineEdit().textEdited.connect(lambda text: self.edited.emit(number(text, spec)))

    def show_value(self, value: Any) -> None:
        """Show a value, unless that is what the text already says."""
        if number(self.lineEdit().text(), self.spec) != value or not self.lineEdit().text():
            self.lineEdit().setText(spelled(value))

    def stepBy(self, steps: int) -> None:
        """Step within the bounds."""
        value = number(self.lineEdit().text(), self.spec)
        if isinstance(value, (int, float)):
            stepped = step(self.spec, value, steps)
            self.lineEdit().setText(spelled(stepped))
            self.edited.emit(stepped)

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """A text cannot be stepped."""
        flags = QAbstractSpinBox.StepEnabledFlag
        numeric = isinstance(number(self.lineEdit().text(), self.spec), (int, float))
        return flags.StepUpEnabled | flags.StepDownEnabled if numeric else flags.StepNone

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Anything may be typed; the checker says what is wrong with it."""
        return QValidator.State.Acceptable, text, position

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step only while the field has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The field, its unit, and two chevrons."""
        super().paintEvent(event)
        painter = QPainter(self)
        right = self.width() - theme.MARGIN
        size, middle = theme.ICON_SMALL, self.height() // 2
        painter.drawPixmap(right + 3, middle - size + 2, icons.pixmap("chevron-up", "faint", size))
        painter.drawPixmap(right + 3, middle - 2, icons.pixmap("chevron-down", "faint", size))
        painter.setPen(theme.colour("faint"))
        painter.setFont(theme.label_font())
        painter.drawText(QRect(0, 0, right - 2, self.height()), _right(), self.spec.unit)
        painter.end()


def _right() -> Qt.AlignmentFlag:
    return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def number(text: str, spec: Spec) -> Any:
    """What a text means for a numeric setting: a number, one of its words, None for nothing where that is allowed, else
    the text. One comma is taken for a decimal point."""
    text = text.strip()
    if not text and spec.default is None:
        return None
    for read in (int,) if spec.kind == "integer" else (int, float):
        try:
            return read(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
        except ValueError:
            continue
    return text


def spelled(value: Any) -> str:
    """A number as a person writes it: 5e-05, 0.1, 40."""
    if isinstance(value, float):
        return f"{value:.12g}"
    return "" if value is None else str(value)


def in_words(value: Any) -> str:
    """Any value as a sentence has it: what is nothing or on says so, lists have commas."""
    if isinstance(value, (list, tuple)):
        return ", ".join(in_words(each) for each in value) or "empty"
    words = {None: "not set", True: "on", False: "off", "": "empty"}
    return words[value] if isinstance(value, (bool, str, type(None))) and value in words else spelled(value)


def step(spec: Spec, value: float, steps: int) -> float:
    """The value some steps on: by one for integers (by ten from a hundred on), through 1, 2, 5 on a log scale, else by
    half of the leading digit's place; never past the bounds."""
    if spec.kind == "integer":
        stepped: float = value + steps * (10 if abs(value) >= 100 else 1)
    elif spec.scale == "log" and value > 0:
        stepped = _along_decades(value, steps)
    else:
        place = 10 ** math.floor(math.log10(abs(value))) if value else 0.1
        stepped = float(f"{value + steps * place / 2:.10g}")
    if spec.low is not None:
        stepped = max(stepped, spec.low)
    if spec.high is not None:
        stepped = min(stepped, spec.high)
    if spec.above is not None and stepped <= spec.above:
        return value
    return int(stepped) if spec.kind == "integer" else stepped


def _along_decades(value: float, steps: int) -> float:
    """Through ... 0.1, 0.2, 0.5, 1, 2, 5 ..."""
    decade = math.floor(math.log10(value) + 1e-9)
    ladder = [float(f"{digit}e{power}") for power in range(decade - 2, decade + 3) for digit in (1, 2, 5)]
    if steps > 0:
        return next(rung for rung in ladder if rung > value * (1 + 1e-9))
    return next(rung for rung in reversed(ladder) if rung < value * (1 - 1e-9))


class WordedField(QWidget):
    """A number that may also be a word: the word is a button beside it."""

    edited = Signal(object)

    def __init__(self, spec: Spec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number = NumberField(spec)
        self.words = {word: _segment(word) for word in spec.words}
        self.setFocusProxy(self.number)
        row = boxes.row(theme.HALF, self)
        row.addWidget(self.number, 1)
        for word, button in self.words.items():
            row.addWidget(button)
            button.clicked.connect(lambda _=False, word=word: self._choose(word))
        self.number.edited.connect(self._typed)

    def show_value(self, value: Any) -> None:
        """Show a number, or mark the word."""
        self.number.show_value(value)
        self._mark(value)

    def _typed(self, value: Any) -> None:
        self._mark(value)
        self.edited.emit(value)

    def _choose(self, word: str) -> None:
        self.show_value(word)
        self.edited.emit(word)

    def _mark(self, value: Any) -> None:
        for word, button in self.words.items():
            button.setChecked(value == word)


def _segment(word: str) -> QToolButton:
    button = QToolButton()
    button.setText(word)
    button.setCheckable(True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
    return theme.set_role(button, "segment")
