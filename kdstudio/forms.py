"""Forms made wholly from specs: a cell for each setting, cells in columns, a form for each section or method."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from engine import rules
from engine.cards import Mix
from engine.experiment import CE_WEIGHT
from engine.knobs import Spec, bounds, holds
from kdstudio import fields, theme
from kdstudio.field_menu import FieldMenu
from kdstudio.help import topics
from kdstudio.help.topics import Topic
from kdstudio.number_fields import NumberField, in_words
from kdstudio.store import Store
from kdstudio.widgets import boxes
from kdstudio.widgets.columns import Columns
from kdstudio.widgets.icons import IconButton, TextButton
from kdstudio.widgets.texts import Elided, label, sentence_case, wrapped

HEAD = theme.SPACE * 3 + 1
"""Height of the line above a field: that of the button that comes up there once a value was changed, so that nothing moves."""


class Cell(QWidget):
    """One setting: its name, who decided it, its field, and what is wrong with it."""

    def __init__(self, path: str, spec: Spec, store: Store, editor: fields.Editor | None = None) -> None:
        super().__init__()
        self.path, self.spec, self._store = path, spec, store
        self.editor = editor or fields.field(spec)
        self.origin = Elided("", "faint")
        self.origin.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.wrong = wrapped("", "problem")
        self._reset: IconButton | None = None
        self._lay_out(label(sentence_case(spec.label()), "label"))
        self.editor.edited.connect(lambda value: store.set_value(path, value))
        self.menu = FieldMenu(path, spec, store, self)

    @property
    def reset(self) -> IconButton:
        """The button that goes back to the preset's value; made when it is first wanted, for few settings are changed."""
        if self._reset is None:
            self._reset = IconButton("reset", "Back to the preset's value", size=theme.ICON_SMALL)
            self._reset.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._reset.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
            self._reset.clicked.connect(lambda: self._store.reset_value(self.path))
            self._reset.hide()
            self._head.addWidget(self._reset)
        return self._reset

    def refresh(self) -> None:
        """Show what the store says of this setting."""
        value, origin, problem = self._store.value(self.path), self._store.origin(self.path), self._store.problem(self.path)
        self.editor.show_value(value)
        if isinstance(self.editor, NumberField) and self.spec.name == CE_WEIGHT.name:
            proposed = rules.ce_weight(self._store.resolved().experiment, self._store.catalogue)
            self.editor.lineEdit().setPlaceholderText(f"{proposed:g}, as proposed")
        short = _short(origin)
        plain = value == self.spec.default and not self._store.edited(self.path)  # a file that spells everything out says much
        self.origin.set_texts(*(("", "") if plain else (f"set by {short}", short)))
        if self._reset is not None or self._store.edited(self.path):
            self.reset.setVisible(self._store.edited(self.path))
        self.wrong.setText(sentence_case(problem))
        self.wrong.setVisible(bool(problem))
        fields.mark_wrong(self.editor, bool(problem))
        self.setToolTip(_help(self.spec, origin))

    def help_topic(self) -> Topic:
        """What F1 says of it."""
        return topics.of_setting(self.spec, self.path, self._store.value(self.path), self._store.origin(self.path))

    def _lay_out(self, name: QWidget) -> None:
        column = boxes.column(theme.HALF, self)
        self._head = _head(name, self.origin)
        column.addLayout(self._head)
        held = isinstance(self.editor, fields.SwitchField)
        column.addWidget(self.editor, 0, Qt.AlignmentFlag.AlignLeft if held else Qt.AlignmentFlag(0))
        column.addWidget(self.wrong)
        column.addStretch(1)


def _head(name: QWidget, middle: QWidget) -> QHBoxLayout:
    """The line above a field: a name, room, and place for something small at the end."""
    line = boxes.row(theme.HALF)
    line.addWidget(name)
    line.addWidget(middle, 1)
    line.addStrut(HEAD)
    return line


def _short(origin: str) -> str:
    """A preset by its last name; `you` stays."""
    return origin.rpartition("/")[2].removesuffix(".yaml")


def _help(spec: Spec, origin: str) -> str:
    """What a tooltip says: the help, the bounds, the default and its source, and who decided the value."""
    facts = [sentence_case(bounds(spec))] if bounds(spec) else []
    facts.append(f"Default: {in_words(spec.default)}" + (f" ({spec.source})" if spec.source else ""))
    facts.append(f"Set by: {origin}")
    return f"<p>{escape(spec.help)}</p><p>{'<br>'.join(escape(f) for f in facts)}</p>"


class MixCell(QWidget):
    """A slider that writes two settings at once: the first as it stands, the second as the rest to one."""

    STEPS = 100

    def __init__(self, prefix: str, mix: Mix, store: Store) -> None:
        super().__init__()
        self.path = f"{prefix}.{mix.name}"
        self._first, self._second, self._store = f"{prefix}.{mix.first}", f"{prefix}.{mix.second}", store
        self.slider = _Slider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, self.STEPS)
        self.slider.setAccessibleName(mix.name)
        self.number = label("", "faint")
        self.setToolTip(f"<p>{escape(mix.help)}</p>")
        column = boxes.column(theme.HALF, self)
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        column.addLayout(_head(label(sentence_case(mix.name.replace("_", " ")), "label"), self.number))
        column.addWidget(self.slider)
        self.slider.setFixedHeight(theme.CONTROL)
        column.addStretch(1)
        self.slider.valueChanged.connect(self._moved)

    def refresh(self) -> None:
        """Show the mix, or that the two settings are none."""
        first, second = self._store.value(self._first), self._store.value(self._second)
        if second is None and self._second.endswith(f".{CE_WEIGHT.name}"):
            second = rules.ce_weight(self._store.resolved().experiment, self._store.catalogue)
        mixed = all(isinstance(v, (int, float)) for v in (first, second)) and abs(first + second - 1) < 1e-9
        self.number.setText(f"{first:.2f} : {second:.2f}" if mixed else "weights set apart")
        if isinstance(first, (int, float)):
            self.slider.blockSignals(True)
            self.slider.setValue(round(min(max(first, 0), 1) * self.STEPS))
            self.slider.blockSignals(False)

    def _moved(self, position: int) -> None:
        first = position / self.STEPS
        self._store.set_values({self._first: first, self._second: round(1 - first, 10)})


class _Slider(QSlider):
    """A slider that a wheel passing over it leaves alone."""

    def wheelEvent(self, event: Any) -> None:
        """Let the page scroll."""
        event.ignore()


class Form(QWidget):
    """The cells of one section or method, in columns; advanced ones on request, and always where something is wrong.
    A cell is made when it is first shown. `sweep_requested` carries a setting's dotted path."""

    sweep_requested = Signal(str)

    def __init__(self, prefix: str, specs: Sequence[Spec], store: Store, mixes: Sequence[Mix] = ()) -> None:
        super().__init__()
        self.prefix, self._store = prefix, store
        self._specs = tuple(specs)
        self.cells: dict[str, Cell] = {}
        self.mixes = [MixCell(prefix, mix, store) for mix in mixes]
        self._advanced = False
        self.more = TextButton("", "link")
        self.more.clicked.connect(lambda: self.show_advanced(not self._advanced))
        grid = QWidget()
        self._columns = Columns(theme.CELL, across=theme.MARGIN, down=theme.GAP)
        grid.setLayout(self._columns)
        for mix in self.mixes:
            self._columns.addWidget(mix)
        column = boxes.column(theme.SPACE, self)
        column.addWidget(grid)
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)

    def show_advanced(self, shown: bool) -> None:
        """Show or hide what few people change."""
        self._advanced = shown
        self.refresh()

    def refresh(self) -> None:
        """Show what the store says; settings whose condition does not hold are hidden."""
        values = self._store.values(self.prefix)
        applying = [spec for spec in self._specs if holds(spec.when, values)]
        shown = {spec.name for spec in applying if self._advanced or spec.level == "basic"}
        shown |= {spec.name for spec in self._specs if self._store.problem(f"{self.prefix}.{spec.name}")}
        for spec in self._specs:
            if spec.name in shown and spec.name not in self.cells:
                self._make(spec)
            if spec.name in self.cells:
                self.cells[spec.name].refresh()
                if self.cells[spec.name].isHidden() == (spec.name in shown):  # showing anew looks the style up anew
                    self.cells[spec.name].setVisible(spec.name in shown)
        for mix in self.mixes:
            mix.refresh()
        self._offer_advanced(sum(spec.level == "advanced" for spec in applying))

    def cell(self, path: str) -> Cell | None:
        """The cell of a setting by its dotted path, shown for this where it waits among the advanced ones; None where it is
        not this form's, or does not apply."""
        name = path.rpartition(".")[2]
        if f"{self.prefix}.{name}" != path:
            return None
        if name not in self.cells or self.cells[name].isHidden():
            self.show_advanced(True)
        return self.cells.get(name)

    def _make(self, spec: Spec) -> None:
        """A cell at the place of its setting's declaration."""
        before = [s.name for s in self._specs[: self._specs.index(spec)]]
        place = len(self.mixes) + sum(name in self.cells for name in before)
        self.cells[spec.name] = Cell(f"{self.prefix}.{spec.name}", spec, self._store)
        self.cells[spec.name].menu.sweep_requested.connect(self.sweep_requested)
        self._columns.insert_widget(place, self.cells[spec.name])

    def _offer_advanced(self, count: int) -> None:
        self.more.setVisible(count > 0)
        verb = "Hide" if self._advanced else "Show"
        self.more.setText(f"{verb} {count} advanced setting{'s' * (count != 1)}")
