"""One widget for each kind of setting. Every field says `edited(value)` when a person changes it, and `show_value` sets it
without saying so. What cannot be read as a value is handed on as the text it is, so that the checker can say why.

No field answers a wheel that only passes over it, and numbers are written with a point whatever the locale.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QWidget,
)  # fmt: skip

from engine.knobs import Spec
from kdstudio import theme
from kdstudio.number_fields import NumberField, WordedField
from kdstudio.widgets import boxes, icons


class ChoiceField(QComboBox):
    """One of several; `titles` may name the choices in other words. A wheel never changes it."""

    edited = Signal(object)

    def __init__(self, choices: Mapping[Any, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setMaxVisibleItems(16)
        self.set_choices(choices)
        self.activated.connect(lambda _: self.edited.emit(self.currentData()))

    def set_choices(self, choices: Mapping[Any, str]) -> None:
        """Offer these and no others; what is chosen stays where it is among them."""
        chosen = self.currentData()
        self.clear()
        for key, words in choices.items():
            self.addItem(words, key)
        if chosen in choices:
            self.setCurrentIndex(self.findData(chosen))

    def show_value(self, value: Any) -> None:
        """Show a choice; one that is not among them is added, so that what stands is what is shown."""
        if self.findData(value) < 0:
            self.addItem(str(value), value)
        self.setCurrentIndex(self.findData(value))
        self.setToolTip(self.currentText())

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the page scroll."""
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The box and a chevron."""
        super().paintEvent(event)
        painter = QPainter(self)
        size = theme.ICON_SMALL
        at = QPointF(self.width() - size - theme.SPACE, (self.height() - size) / 2)
        painter.drawPixmap(at, icons.pixmap("chevron-down", "muted", size))
        painter.end()


class SwitchField(QAbstractButton):
    """On or off, as a switch."""

    edited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.clicked.connect(lambda: self.edited.emit(self.isChecked()))

    def show_value(self, value: Any) -> None:
        """Set the switch."""
        self.setChecked(value is True)

    def sizeHint(self) -> QSize:
        """As high as every other field, so that rows line up."""
        return QSize(theme.SPACE * 5, theme.CONTROL)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A track and a thumb."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        high, wide = 20.0, 36.0
        track = QRectF(1, (self.height() - high) / 2, wide, high)
        painter.setPen(theme.colour("accent" if self.hasFocus() or self.isChecked() else "edge"))
        painter.setBrush(theme.colour("accent" if self.isChecked() else "raised"))
        painter.drawRoundedRect(track, high / 2, high / 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("on_accent" if self.isChecked() else "faint"))
        x = track.right() - high / 2 if self.isChecked() else track.left() + high / 2
        painter.drawEllipse(QPointF(x, track.center().y()), 6.5, 6.5)
        if self.hasFocus():
            painter.setPen(theme.colour("accent_press"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(track.adjusted(-0.5, -0.5, 0.5, 0.5), high / 2, high / 2)
        painter.end()


class TextField(QLineEdit):
    """A text, or anything that `read` makes of one; `write` spells it."""

    edited = Signal(object)

    def __init__(
        self, read: Callable[[str], Any] = str, write: Callable[[Any], str] = str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._read, self._write = read, write
        self.textEdited.connect(lambda text: self.edited.emit(read(text)))

    def show_value(self, value: Any) -> None:
        """Show a value, unless that is what the text already says."""
        if self._read(self.text()) != value:
            self.setText(self._write(value))


class PathField(QWidget):
    """A file or a folder, typed, chosen, or dropped."""

    edited = Signal(object)

    def __init__(self, folder: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.text = TextField()
        self.text.edited.connect(self.edited)
        self.browse = icons.IconButton("folder", "Choose a folder" if folder else "Choose a file")
        self.browse.clicked.connect(self._choose)
        self.setFocusProxy(self.text)
        self.setAcceptDrops(True)
        row = boxes.row(theme.HALF, self)
        row.addWidget(self.text, 1)
        row.addWidget(self.browse)

    def show_value(self, value: Any) -> None:
        """Show a path."""
        self.text.show_value(value)
        self.text.setToolTip(str(value))

    def dragEnterEvent(self, event: Any) -> None:
        """Take one local file or folder."""
        if event.mimeData().hasUrls() and event.mimeData().urls()[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        """Use what was dropped."""
        self._take(event.mimeData().urls()[0].toLocalFile())

    def _choose(self) -> None:
        dialog = QFileDialog(self.window(), self.browse.toolTip(), self.text.text())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory if self.folder else QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._take)
        dialog.open()

    def _take(self, path: str) -> None:
        self.show_value(path)
        self.edited.emit(path)


def integers(text: str) -> Any:
    """`150, 180, 210` as whole numbers; else the text."""
    try:
        return [int(part) for part in text.replace(";", ",").split(",") if part.strip()]
    except ValueError:
        return text


def mapping(text: str) -> Any:
    """A mapping written as JSON; else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _listed(value: Any) -> str:
    return ", ".join(str(v) for v in value) if isinstance(value, (list, tuple)) else str(value)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


Editor = NumberField | WordedField | ChoiceField | SwitchField | TextField | PathField
"""Any of the fields: a signal `edited` and a function `show_value`."""


def _numeric(spec: Spec) -> Editor:
    return WordedField(spec) if spec.words else NumberField(spec)


KINDS: dict[str, Callable[[Spec], Editor]] = {
    "integer": _numeric,
    "number": _numeric,
    "boolean": lambda spec: SwitchField(),
    "choice": lambda spec: ChoiceField({choice: str(choice) for choice in spec.choices}),
    "text": lambda spec: TextField(),
    "path": lambda spec: PathField("folder" in spec.label()),
    "integers": lambda spec: TextField(integers, _listed),
    "mapping": lambda spec: TextField(mapping, _json),
}
"""The widget of each kind of setting; a new kind is one line."""


def field(spec: Spec) -> Editor:
    """The widget a person changes this setting with."""
    made = KINDS[spec.kind](spec)
    made.setAccessibleName(spec.label())
    return made


def mark_wrong(widget: QWidget, wrong: bool) -> None:
    """Mark a field, or the boxes inside it, as holding something that cannot be."""
    boxes = [widget, *widget.findChildren(QWidget)] if isinstance(widget, (WordedField, PathField)) else [widget]
    for box in boxes:
        inner = isinstance(box.parent(), QAbstractSpinBox) or not isinstance(box, (QAbstractSpinBox, QComboBox, QLineEdit))
        if not inner and bool(box.property("wrong")) != wrong:
            box.setProperty("wrong", wrong)
            theme.restyle(box)
