"""The settings below the cards: one section for each method, for training, and for the rest, folded until wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QWidget

from engine.cards import Mix
from engine.knobs import Spec, holds
from kdstudio import theme
from kdstudio.forms import Cell, Form
from kdstudio.help import topics
from kdstudio.number_fields import spelled
from kdstudio.settings_index import deciding
from kdstudio.store import Store
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import TextButton
from kdstudio.widgets.texts import Elided, chip, wrapped


class Section(QFrame):
    """A card that opens to a form. The form is built when it is first opened; `note` is a sentence above it.
    `sweep_requested` carries a setting's dotted path."""

    sweep_requested = Signal(str)

    def __init__(
        self, prefix: str, title: str, specs: Sequence[Spec], store: Store, mixes: Sequence[Mix] = (), note: str = ""
    ) -> None:
        super().__init__()
        self.prefix, self.title, self._store = prefix, title, store
        self._make: Callable[[], Form] = lambda: Form(prefix, specs, store, mixes)
        self._settings = {f"{prefix}.{spec.name}": spec for spec in specs}
        self.form: Form | None = None
        theme.set_role(self, "card")
        self.fold = TextButton(title, "fold", "chevron-right")
        self.fold.setAccessibleName(f"Settings: {title}")
        self.fold.clicked.connect(lambda: self.open(not self.is_open()))
        self.gist = Elided("", "faint")
        self.gist.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.changed, self.wrong = chip(tone="accent"), chip(tone="problem")
        self._note = wrapped(note, "muted")
        self._body = QWidget()
        self._lay_out()

    def is_open(self) -> bool:
        """Whether the form is shown."""
        return not self._body.isHidden()

    def open(self, shown: bool = True) -> None:
        """Show or fold the form."""
        if self.form is None and shown:
            self.form = self._make()
            self.form.sweep_requested.connect(self.sweep_requested)
            self._inner.addWidget(self.form)
        self._body.setVisible(shown)
        self.fold.set_icon("chevron-down" if shown else "chevron-right")
        self.refresh()

    def reveal(self, path: str) -> Cell | None:
        """Open at a setting, also an advanced one; its cell."""
        self.open()
        assert self.form is not None
        return self.form.cell(path)

    def holds(self, path: str) -> bool:
        """Whether a setting belongs here."""
        return path in self._settings

    def waits_for(self, path: str) -> str:
        """The path of the setting because of which one of this section does not apply now; empty where it applies."""
        return deciding(path, self._settings[path], self._store) if path in self._settings else ""

    def refresh(self) -> None:
        """Show the form's values, and on the fold what is changed, wrong, or worth knowing while folded."""
        if self.is_open() and self.form is not None:
            self.form.refresh()
        changed = sum(self._store.edited(path) for path in self._settings)
        wrong = sum(bool(self._store.problem(path)) for path in self._settings)
        self.changed.setText(f"{changed} changed")
        self.changed.setVisible(changed > 0)
        self.wrong.setText(f"{wrong} to mend")
        self.wrong.setVisible(wrong > 0)
        self.gist.setText("" if self.is_open() else self._gist())

    def _gist(self) -> str:
        """The first few basic settings, in short."""
        values = self._store.values(self.prefix)
        basic = [s for s in self._settings.values() if s.level == "basic" and s.kind not in ("path", "boolean")]
        told = [s for s in basic if holds(s.when, values) and values[s.name] not in (None, "")]
        return " · ".join(f"{s.label()} {spelled(values[s.name])}" for s in told)

    def help_topic(self) -> topics.Topic:
        """What F1 says of the section: its method, or what is in it."""
        key = self.prefix.removeprefix("methods.")
        if key in self._store.catalogue.methods and key != self.prefix:
            return topics.of_method(self._store.catalogue.methods[key])
        names = ", ".join(spec.label() for spec in self._settings.values())
        return topics.Topic(self.title, f"{len(self._settings)} settings: {names}.")

    def _lay_out(self) -> None:
        column = boxes.column(theme.SPACE, self)
        boxes.pad(column, theme.GAP, theme.SPACE)
        head = boxes.row(theme.SPACE)
        head.addWidget(self.fold)
        head.addWidget(self.changed)
        head.addWidget(self.wrong)
        head.addWidget(self.gist, 1)
        column.addLayout(head)
        self._inner = boxes.column(theme.GAP, self._body)
        self._inner.setContentsMargins(theme.HALF, 0, theme.HALF, theme.SPACE)
        self._inner.addWidget(self._note)
        self._note.setVisible(bool(self._note.text()))
        self._body.hide()
        column.addWidget(self._body)
