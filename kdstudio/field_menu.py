"""The menu of a setting's field: sweep it, put it back, take it along as text."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from engine import presets
from engine.knobs import Spec
from engine.presets import PresetError
from kdstudio.number_fields import in_words
from kdstudio.store import Store
from kdstudio.values import word


class FieldMenu(QObject):
    """Opens over a field wherever inside it the menu is asked for, by mouse or by key; a text keeps its own entries below.
    `sweep_requested` carries the setting's dotted path."""

    sweep_requested = Signal(str)

    def __init__(self, path: str, spec: Spec, store: Store, field: QWidget) -> None:
        super().__init__(field)
        self.path, self.spec, self._store, self._field = path, spec, store, field
        for part in field.findChildren(QWidget):
            part.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # leaves it to the field
        field.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        field.customContextMenuRequested.connect(self._open)

    def _open(self, at: QPoint) -> None:
        """Open the menu where it is asked for."""
        self.menu(self._field.childAt(at) or self._field).popup(self._field.mapToGlobal(at))

    def menu(self, over: QWidget) -> QMenu:
        """The menu as it is now; `over` is the part of the field it was asked for at."""
        made = QMenu(over)
        made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        store, value = self._store, self._store.value(self.path)
        made.addAction(f"Sweep {self.spec.label()}…", lambda: self.sweep_requested.emit(self.path))
        made.addSeparator()
        below = store.below(self.path)
        back = made.addAction(f"Back to the preset's value, {in_words(below)}", lambda: store.reset_value(self.path))
        back.setEnabled(store.edited(self.path))
        default = made.addAction(
            f"Set to the default, {in_words(self.spec.default)}", lambda: store.set_value(self.path, self.spec.default)
        )
        default.setEnabled(value != self.spec.default)
        self._add_layers(made)
        made.addSeparator()
        made.addAction(f"Copy {self.path}", lambda: _copy(self.path))
        made.addAction("Copy as an option of the terminal", lambda: _copy(f"--set {self.path}={word(value)}"))
        if isinstance(over, QLineEdit):
            made.addSeparator()
            _add_editing(made, over)
        return made

    def _add_layers(self, menu: QMenu) -> None:
        """Who says what of it, from the default up; choosing one takes its value."""
        found = _layers(self._store, self.path)
        if len(found) < 2:
            return
        inner = menu.addMenu("Who says what")
        for origin, value in found:
            inner.addAction(f"{origin}: {in_words(value)}", partial(self._store.set_value, self.path, value))


def _layers(store: Store, path: str) -> list[tuple[str, Any]]:
    """Origins and values, the person's own last; nothing where the preset's file changed since it was opened."""
    base = store.base()
    try:
        found = [] if base.path is None else list(presets.layers(base.path, path, catalogue=store.catalogue))
    except PresetError:
        return []
    if len(found) > 1:  # the stored experiment of a run knows who decided
        found[-1] = (base.origins.get(path, found[-1][0]), found[-1][1])
    return [*found, ("you", store.value(path))] if store.edited(path) else found


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def _add_editing(menu: QMenu, line: QLineEdit) -> None:
    """What the menu of a text has anyway."""
    chosen = line.hasSelectedText()
    menu.addAction("Cut", line.cut).setEnabled(chosen and not line.isReadOnly())
    menu.addAction("Copy", line.copy).setEnabled(chosen)
    menu.addAction("Paste", line.paste).setEnabled(bool(QGuiApplication.clipboard().text()) and not line.isReadOnly())
    menu.addAction("Select all", line.selectAll).setEnabled(bool(line.text()))
