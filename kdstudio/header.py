"""The top of Set up: which experiment is open, what was changed in it, and saving."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from engine import presets
from engine.presets import PresetError
from kdstudio import boxes, commands, icons, theme
from kdstudio.asking import NameSheet, tell
from kdstudio.icons import IconButton, TextButton
from kdstudio.store import Store
from kdstudio.texts import chip, wrapped

if TYPE_CHECKING:
    from kdstudio.picker import PresetPicker

KEYS = QKeySequence.StandardKey
YAML_FILES = "Presets (*.yaml *.yml)"


def slug(title: str) -> str:
    """A preset's name made of its title: `My first try!` becomes `experiments/my-first-try`."""
    return "experiments/" + (re.sub(r"[^a-z0-9.]+", "-", title.lower()).strip("-.") or "untitled")


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
    """Preset, undo and redo, Save, Save as, and a menu for the rest."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self.pick = PickButton("", "pick")
        self.pick.setAccessibleName("Open an experiment")
        self.pick.setMinimumWidth(theme.SIDE)
        self.changed = chip("changed", "accent")
        self.undo = IconButton("reset", "Undo (Ctrl+Z)")
        self.redo = IconButton("redo", "Redo (Ctrl+Shift+Z)")
        self.save = TextButton("Save", "secondary", "save")
        self.save_as = TextButton("Save as…", "secondary", "save")
        self.more = IconButton("more", "More")
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
        from kdstudio.picker import PresetPicker

        if self._picker is None:
            self._picker = PresetPicker(self)
            self._picker.picked.connect(self.open_preset)
            self._picker.file_requested.connect(self._ask_for_file)
        found = [p for p in presets.names() if p.kind == "experiments"]
        corner = self.pick.mapToGlobal(self.pick.rect().bottomLeft())
        corner.setY(corner.y() + theme.HALF)
        height = min(self.window().height() - theme.SPACE * 16, theme.SPACE * 70)
        self._picker.show_presets(found, self._store.base().name, corner, theme.SIDE + theme.SPACE * 16, height)

    def open_preset(self, name: str | Path) -> None:
        """Open an experiment; say why where that cannot be."""
        try:
            self._store.open_preset(name)
        except PresetError as error:
            tell(self.window(), "This preset cannot be opened", str(error))

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

    def _save(self) -> None:
        try:
            self._store.save()
        except (PresetError, OSError) as error:
            tell(self.window(), "This preset cannot be saved", str(error))

    def _connect(self) -> None:
        self.pick.clicked.connect(self.open_picker)
        self.undo.clicked.connect(self._store.undo)
        self.redo.clicked.connect(self._store.redo)
        self.save.clicked.connect(self._save)
        self.save_as.clicked.connect(self.ask_for_name)
        self.more.clicked.connect(self._show_menu)
        commands.offer(self, "Undo", self._store.undo, keys=KEYS.Undo, icon="reset", allowed=self._store.can_undo)
        commands.offer(self, "Redo", self._store.redo, keys=KEYS.Redo, icon="redo", allowed=self._store.can_redo)
        commands.offer(self, "Open an experiment…", self.open_picker, keys=KEYS.Open, icon="search")
        commands.offer(self, "Open a file…", self._ask_for_file, icon="folder")
        commands.offer(self, "Save", self._save_either, keys=KEYS.Save, icon="save", allowed=lambda: not self._store.problems)
        commands.press(self, self.save_as, "Save as…", keys="Ctrl+Shift+S", icon="save")
        commands.offer(self, "Export as one YAML file…", self._ask_where, icon="export")
        commands.offer(self, "Undo every change", self._store.reset, icon="reset", allowed=self._store.edited)

    def _save_either(self) -> None:
        if self._store.own():
            self._save()
        else:
            self.ask_for_name()

    def _show_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Open a file…", self._ask_for_file)
        menu.addAction("Export as one YAML file…", self._ask_where)
        menu.addSeparator()
        menu.addAction("Undo every change", self._store.reset).setEnabled(self._store.edited())
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def _ask_for_file(self) -> None:
        dialog = self._dialogue("Open a preset", QFileDialog.AcceptMode.AcceptOpen)
        dialog.fileSelected.connect(lambda path: self.open_preset(Path(path)))
        dialog.open()

    def _ask_where(self) -> None:
        dialog = self._dialogue("Export as one YAML file", QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("yaml")
        dialog.selectFile(slug(self._store.resolved().experiment.title).rpartition("/")[2] + ".yaml")
        dialog.fileSelected.connect(lambda path: self.export(Path(path)))
        dialog.open()

    def export(self, path: Path) -> None:
        """Write the experiment, self-contained."""
        try:
            path.write_text(presets.to_yaml(self._store.resolved(), catalogue=self._store.catalogue), encoding="utf-8")
        except OSError as error:
            tell(self.window(), "The file cannot be written", f"{path}: {error.strerror}")

    def _dialogue(self, words: str, accept: QFileDialog.AcceptMode) -> QFileDialog:
        dialog = QFileDialog(self.window(), words, "", YAML_FILES)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(accept)
        if accept == QFileDialog.AcceptMode.AcceptOpen:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        return dialog

    def _lay_out(self) -> None:
        row = boxes.row(theme.SPACE)
        row.addWidget(self.pick)
        row.addWidget(self.changed)
        row.addStretch(1)
        for widget in (self.undo, self.redo, self.save, self.save_as, self.more):
            row.addWidget(widget)
        column = boxes.column(theme.SPACE, self)
        column.addLayout(row)
        column.addWidget(self.notes)
