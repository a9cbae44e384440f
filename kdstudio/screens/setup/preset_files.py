"""What is done with the open experiment as a file: open, import, duplicate, export."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from engine import presets
from engine.presets import PresetError
from engine.presets.places import read
from kdstudio.store import Store
from kdstudio.widgets.asking import tell

YAML_FILES = "Presets (*.yaml *.yml)"


def slug(title: str) -> str:
    """A preset's name made of its title: `My first try!` becomes `experiments/my-first-try`."""
    return "experiments/" + (re.sub(r"[^a-z0-9.]+", "-", title.lower()).strip("-.") or "untitled")


def free(title: str) -> tuple[str, str]:
    """A title like this one, and the name it makes, that no preset has yet."""
    taken = {preset.name for preset in presets.names(("experiments",))}
    titles = (title if n == 1 else f"{title} {n}" for n in itertools.count(1))
    return next((slug(each), each) for each in titles if slug(each) not in taken)


class PresetFiles:
    """The open experiment and files; what cannot be done is said over `parent`."""

    def __init__(self, store: Store, parent: QWidget) -> None:
        self._store, self._parent = store, parent

    def menu(self) -> QMenu:
        """Everything that has no button."""
        fine, made = not self._store.problems, QMenu(self._parent)
        made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        made.addAction("Open a file…", self.ask_for_file)
        made.addAction("Import a file into your presets…", self.ask_for_import)
        made.addSeparator()
        made.addAction("Duplicate", self.duplicate).setEnabled(fine)
        made.addAction("Export as one YAML file…", self.ask_where_whole)
        made.addAction("Export only the differences…", self.ask_where_differences)
        made.addSeparator()
        made.addAction("Undo every change", self._store.reset).setEnabled(self._store.edited())
        return made

    def open_preset(self, name: str | Path) -> bool:
        """Open an experiment; say why where that cannot be. Whether it was opened."""
        return self._said("This preset cannot be opened", lambda: self._store.open_preset(name))

    def take(self, path: Path) -> bool:
        """Open a preset where it lies; a config of another program is put among the person's own presets first. Whether that
        could be."""
        from engine.importing.mdistiller import KEYS

        try:
            foreign = bool(KEYS & set(read(path).tree))
        except PresetError:
            foreign = False  # opening it says why
        return self.take_in(path) if foreign else self.open_preset(path)

    def take_in(self, path: Path) -> bool:
        """Put a file among the person's own presets, under a free name, and open it there. Whether that could be."""
        from kdstudio import bringing

        return bringing.bring(self._parent, path, self._store.catalogue, self._open)

    def duplicate(self) -> None:
        """A preset of the person's own that says the same, opened in its place."""
        name, title = free(f"{self._store.resolved().experiment.title or self._store.base().name} copy")
        self._said("This preset cannot be duplicated", lambda: self._store.save_as(name, title))

    def save(self) -> None:
        """Write the changes into the open preset, which is the person's own."""
        self._said("This preset cannot be saved", self._store.save)

    def export(self, path: Path) -> None:
        """Write the experiment, self-contained."""
        self._write(path, presets.to_yaml(self._store.resolved(), catalogue=self._store.catalogue))

    def export_differences(self, path: Path) -> None:
        """Write what differs from the presets below, which whoever opens it must have, too."""
        self._said(
            "The file cannot be written",
            lambda: presets.save(path, self._store.resolved(), catalogue=self._store.catalogue),
        )

    def ask_for_file(self) -> None:
        """The dialogue that opens a preset where it lies."""
        self._ask_for_existing("Open a preset", self.take)

    def ask_for_import(self) -> None:
        """The dialogue that copies a preset, or a config of another program, among one's own."""
        from kdstudio import bringing

        bringing.ask(self._parent, self._store.catalogue, self._open)

    def ask_where_whole(self) -> None:
        """The dialogue that exports the whole experiment."""
        self._ask_where("Export as one YAML file", self.export)

    def ask_where_differences(self) -> None:
        """The dialogue that exports what differs from the presets below."""
        self._ask_where("Export only the differences", self.export_differences)

    def _open(self, name: str) -> None:
        self.open_preset(name)

    def _said(self, heading: str, call: Callable[[], None]) -> bool:
        """Whether a call went well; what went wrong is said in a sheet."""
        try:
            call()
        except (PresetError, OSError) as error:
            tell(self._parent.window(), heading, str(error))
            return False
        return True

    def _write(self, path: Path, text: str) -> None:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            tell(self._parent.window(), "The file cannot be written", f"{path}: {error.strerror}")

    def _ask_for_existing(self, words: str, take: Callable[[Path], bool]) -> None:
        dialog = self._dialogue(words, QFileDialog.AcceptMode.AcceptOpen)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: take(Path(path)))
        dialog.open()

    def _ask_where(self, words: str, write: Callable[[Path], None]) -> None:
        dialog = self._dialogue(words, QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("yaml")
        dialog.selectFile(slug(self._store.resolved().experiment.title).rpartition("/")[2] + ".yaml")
        dialog.fileSelected.connect(lambda path: write(Path(path)))
        dialog.open()

    def _dialogue(self, words: str, accept: QFileDialog.AcceptMode) -> QFileDialog:
        dialog = QFileDialog(self._parent.window(), words, "", YAML_FILES)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(accept)
        return dialog
