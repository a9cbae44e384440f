"""The top of Set up: which experiment is open, what was changed in it, finding a setting, and saving."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from engine import presets
from engine.presets import PresetError
from kdstudio import commands, theme
from kdstudio.screens.setup.preset_files import PresetFiles, slug
from kdstudio.store import Store
from kdstudio.widgets import boxes, icons
from kdstudio.widgets.asking import NameSheet
from kdstudio.widgets.icons import IconButton, TextButton
from kdstudio.widgets.texts import chip, wrapped

if TYPE_CHECKING:
    from kdstudio.screens.setup.picker import PresetPicker

KEYS = QKeySequence.StandardKey
LIST = theme.SIDE + theme.SPACE * 20
"""Width of the list of experiments."""
HIGH = theme.SPACE * 70
"""Height of it, at most."""


class PickButton(TextButton):
    """The open experiment's title; a click opens the list."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """The words and a chevron at the right."""
        super().paintEvent(event)
        painter = QPainter(self)
        size = theme.ICON
        at = (self.width() - size - theme.SPACE - theme.HALF, (self.height() - size) // 2)
        painter.drawPixmap(*at, icons.pixmap("chevron-down", "muted", size))
        painter.end()


class Header(QWidget):
    """Preset, find, undo and redo, Save, Save as, and a menu for the rest. `find_requested` asks for the search over all
    settings."""

    find_requested = Signal()

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self.files = PresetFiles(store, self)
        self.pick = PickButton("", "pick")
        self.pick.setAccessibleName("Open an experiment")
        self.pick.setMinimumWidth(theme.SIDE)
        self.changed = chip("changed", "accent")
        self.search = IconButton("search", "Find a setting (Ctrl+F)")
        self.undo = IconButton("reset", "Undo (Ctrl+Z)")
        self.redo = IconButton("redo", "Redo (Ctrl+Shift+Z)")
        self.save = TextButton("Save", "secondary", "save")
        self.save_as = TextButton("Save as…", "secondary", "save")
        self.more = IconButton("more", "More: import, duplicate, export")
        self.notes = wrapped("", "muted")
        self._picker: PresetPicker | None = None
        self._connect()
        self._lay_out()

    def refresh(self) -> None:
        """Show what the store says."""
        resolved = self._store.resolved()
        self.pick.setText(resolved.experiment.title or self._store.base().name)
        self.pick.setToolTip(self._store.base().name)
        self.notes.setText(resolved.experiment.notes)
        self.notes.setVisible(bool(resolved.experiment.notes))
        self.changed.setVisible(self._store.edited())
        self.undo.setEnabled(self._store.can_undo())
        self.redo.setEnabled(self._store.can_redo())
        self.save.setVisible(self._store.own())
        self.save.setEnabled(self._store.edited() and not self._store.problems)
        self.save_as.setEnabled(not self._store.problems)

    def open_picker(self) -> None:
        """The list of experiments, below the button."""
        from kdstudio.screens.setup.picker import PresetPicker
        from kdstudio.widgets.finder import below

        if self._picker is None:
            self._picker = PresetPicker(self)
            self._picker.picked.connect(self.open_preset)
            self._picker.file_requested.connect(self.files.ask_for_file)
        known = presets.names()
        found = [p for p in known if p.kind == "experiments"]
        catalogue, current = self._store.catalogue, self._store.base().name
        self._picker.show_presets(found, presets.gists(known), catalogue, current, below(self.pick, LIST, HIGH))

    def open_preset(self, name: str | Path) -> None:
        """Open an experiment; say why where that cannot be."""
        self.files.open_preset(name)

    def ask_for_name(self) -> None:
        """The sheet of Save as."""
        NameSheet(self.window(), self._store.resolved().experiment.title, slug, self._save_as).open()

    def _save_as(self, title: str) -> str:
        """Save under a title; why not, or nothing."""
        try:
            self._store.save_as(slug(title), title)
        except (PresetError, OSError) as error:
            return str(error)
        return ""

    def _connect(self) -> None:
        self.pick.clicked.connect(self.open_picker)
        self.search.clicked.connect(self.find_requested)
        self.undo.clicked.connect(self._store.undo)
        self.redo.clicked.connect(self._store.redo)
        self.save.clicked.connect(self.files.save)
        self.save_as.clicked.connect(self.ask_for_name)
        self.more.clicked.connect(lambda: self.files.menu().popup(self.more.mapToGlobal(self.more.rect().bottomLeft())))
        self._offer()

    def _offer(self) -> None:
        """What the keys and the palette can do."""
        store, files = self._store, self.files

        def fine() -> bool:
            return not store.problems

        commands.offer(self, "Undo", store.undo, keys=KEYS.Undo, icon="reset", allowed=store.can_undo)
        commands.offer(self, "Redo", store.redo, keys=KEYS.Redo, icon="redo", allowed=store.can_redo)
        commands.offer(self, "Find a setting…", self.find_requested.emit, keys=KEYS.Find, icon="search")
        commands.offer(self, "Open an experiment…", self.open_picker, keys=KEYS.Open, icon="search")
        commands.offer(self, "Open a file…", files.ask_for_file, icon="folder")
        commands.offer(self, "Import a file into your presets…", files.ask_for_import, icon="folder")
        commands.offer(self, "Save", self._save_either, keys=KEYS.Save, icon="save", allowed=fine)
        commands.press(self, self.save_as, "Save as…", keys="Ctrl+Shift+S", icon="save")
        commands.offer(self, "Duplicate this experiment", files.duplicate, keys="Ctrl+D", icon="clone", allowed=fine)
        commands.offer(self, "Export as one YAML file…", files.ask_where_whole, icon="export")
        commands.offer(self, "Export only the differences…", files.ask_where_differences, icon="export")
        commands.offer(self, "Undo every change", store.reset, icon="reset", allowed=store.edited)

    def _save_either(self) -> None:
        if self._store.problems:
            return
        if self._store.own():
            self.files.save()
        else:
            self.ask_for_name()

    def _lay_out(self) -> None:
        row = boxes.row(theme.SPACE)
        row.addWidget(self.pick)
        row.addWidget(self.changed)
        row.addStretch(1)
        for widget in (self.search, self.undo, self.redo, self.save, self.save_as, self.more):
            row.addWidget(widget)
        column = boxes.column(theme.SPACE, self)
        column.addLayout(row)
        column.addWidget(self.notes)
