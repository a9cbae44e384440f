"""The values that a setting takes in a sweep, as a person enters them: a list, a range, a log range, or boxes to tick."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QLineEdit, QToolButton, QWidget

from engine.knobs import Spec
from kdstudio import theme
from kdstudio.number_fields import NumberField, number, spelled
from kdstudio.widgets import boxes
from kdstudio.widgets.texts import label, sentence_case

LIST, RANGE, LOG = "List", "Range", "Log range"
COUNT = 5
"""Values of a range unless a person says otherwise."""

Values = list[Any] | dict[str, Any]
"""As `vary` of a sweep's file has them."""


def axis(spec: Spec, title: str, value: Any) -> Axis:
    """The editor for a kind of setting, beginning with the value that it has now."""
    if spec.kind == "boolean" or spec.kind == "choice":
        return TickAxis(spec, title)
    return NumberAxis(spec, title, value) if spec.kind in ("integer", "number") else ListAxis(spec, title, value)


class Axis(QWidget):
    """One setting and the values it takes; `edited` says that they are others now."""

    edited = Signal()

    def __init__(self, spec: Spec, title: str) -> None:
        super().__init__()
        self.spec = spec
        self.column = boxes.column(theme.SPACE, self)
        self.column.addWidget(label(sentence_case(title), "label"))

    def values(self) -> Values:
        """What was entered. Raises ValueError with a sentence where it is nothing to try."""
        raise NotImplementedError


class TickAxis(Axis):
    """On and off, or the choices there are; all of them to begin with."""

    def __init__(self, spec: Spec, title: str) -> None:
        super().__init__(spec, title)
        given: dict[Any, str] = {True: "on", False: "off"} if spec.kind == "boolean" else {c: str(c) for c in spec.choices}
        self.boxes = {value: QCheckBox(words) for value, words in given.items()}
        for box in self.boxes.values():
            box.setChecked(True)
            box.toggled.connect(self.edited)
            self.column.addWidget(box)

    def values(self) -> Values:
        """The ticked ones."""
        found = [value for value, box in self.boxes.items() if box.isChecked()]
        if not found:
            raise ValueError("tick at least one value")
        return found


class ListAxis(Axis):
    """Values with commas between them."""

    def __init__(self, spec: Spec, title: str, value: Any) -> None:
        super().__init__(spec, title)
        self.line = QLineEdit(spelled(value) if isinstance(value, (int, float)) else str(value or ""))
        self.line.setAccessibleName(f"Values of {title}")
        self.line.setPlaceholderText("Values with commas between them")
        self.line.textEdited.connect(lambda _: self.edited.emit())
        self.column.addWidget(self.line)

    def values(self) -> Values:
        """The values in the order they were written."""
        parts = [part.strip() for part in self.line.text().split(",") if part.strip()]
        if not parts:
            raise ValueError("write the values to try, with commas between them")
        return [self._read(part) for part in parts]

    def _read(self, part: str) -> Any:
        return number(part, self.spec) if self.spec.kind in ("integer", "number") else part


class NumberAxis(ListAxis):
    """A list, or so many numbers from one to another, evenly spread or by equal factors."""

    def __init__(self, spec: Spec, title: str, value: Any) -> None:
        super().__init__(spec, title, value)
        self.kinds = {words: _segment(words) for words in (LIST, RANGE, LOG)}
        self._group = QButtonGroup(self)
        row = boxes.row(theme.HALF)
        for button in self.kinds.values():
            self._group.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        self.column.insertLayout(1, row)
        low, high = _ends(spec, value)
        self.low, self.high = self._number("From", low), self._number("To", high)
        self.count = NumberField(Spec("count", "integer", COUNT, "How many values.", title="how many", low=2, high=1000))
        self.count.setAccessibleName("How many values")
        self.count.show_value(COUNT)
        self._range = QWidget()
        line = boxes.row(theme.SPACE, self._range)
        for words, field in (("from", self.low), ("to", self.high), ("values", self.count)):
            line.addWidget(label(words, "muted"))
            line.addWidget(field, 1)
            field.edited.connect(lambda _: self.edited.emit())
        self.column.addWidget(self._range)
        self._group.buttonClicked.connect(lambda _: self._show())
        self.kinds[LIST].setChecked(True)
        self._show()

    def choose(self, kind: str) -> None:
        """Enter the values in another way."""
        self.kinds[kind].setChecked(True)
        self._show()

    def values(self) -> Values:
        """The list, or the range as a sweep's file has it."""
        if self.kinds[LIST].isChecked():
            return super().values()
        ends = {"from": self.low, "to": self.high, "count": self.count}
        read = {name: number(field.lineEdit().text(), field.spec) for name, field in ends.items()}
        for name, found in read.items():
            if isinstance(found, bool) or not isinstance(found, (int, float)):
                raise ValueError(f"{name}: {found!r} is no number" if found else f"{name}: write a number")
        return {**read, "scale": "log" if self.kinds[LOG].isChecked() else "linear"}

    def _number(self, words: str, value: float) -> NumberField:
        made = NumberField(self.spec)
        made.setAccessibleName(words)
        made.show_value(value)
        return made

    def _show(self) -> None:
        listed = self.kinds[LIST].isChecked()
        self.line.setVisible(listed)
        self._range.setVisible(not listed)
        self.edited.emit()


def _ends(spec: Spec, value: Any) -> tuple[float, float]:
    """Where a range begins and ends at first: around the value there is, within the bounds."""
    middle = value if isinstance(value, (int, float)) and not isinstance(value, bool) and value else spec.low or 1
    low, high = (middle / 10, middle * 10) if spec.scale == "log" else (middle / 2, middle * 2)
    if spec.low is not None:
        low = max(low, spec.low)
    if spec.high is not None:
        high = min(high, spec.high)
    return (round(low), round(high)) if spec.kind == "integer" else (float(f"{low:.3g}"), float(f"{high:.3g}"))


def _segment(words: str) -> QToolButton:
    made = QToolButton()
    made.setText(words)
    made.setCheckable(True)
    return theme.set_role(made, "segment")
