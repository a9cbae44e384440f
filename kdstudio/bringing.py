"""A file from elsewhere among the person's own presets, and what of it did not come along said in a sheet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QScrollArea, QWidget

from engine import importing
from engine.cards import Catalogue
from engine.importing import Imported
from engine.presets import PresetError
from engine.presets.places import name_of
from kdstudio import theme
from kdstudio.widgets import boxes
from kdstudio.widgets.asking import Sheet, tell
from kdstudio.widgets.texts import label, wrapped

FILES = "Presets and configs of mdistiller (*.yaml *.yml)"


def ask(parent: QWidget, catalogue: Catalogue, take: Callable[[str], None]) -> None:
    """Ask for a file and bring it in; `take` gets the name of the preset it became."""
    dialog = QFileDialog(parent.window(), "Import into your presets", "", FILES)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(lambda path: bring(parent, Path(path), catalogue, take))
    dialog.open()


def bring(parent: QWidget, path: Path, catalogue: Catalogue, take: Callable[[str], None]) -> bool:
    """Keep a file as a preset and hand its name over; say what of it was not understood, or why nothing came of it. Whether
    something did."""
    try:
        found = importing.read(path, catalogue=catalogue)
        name = name_of(importing.keep(found))
    except (PresetError, OSError) as error:
        tell(parent.window(), "This file cannot be imported", str(error))
        return False
    take(name)
    if found.left or found.notes:
        ImportSheet(parent.window(), found).open()
    return True


class ImportSheet(Sheet):
    """What a person should know of an imported file: the keys that were not understood, and what to look at."""

    def __init__(self, parent: QWidget, found: Imported) -> None:
        count = len(found.left)
        keys = "Every key was understood." if not count else "1 key was not understood." if count == 1 else (
            f"{count} keys were not understood."
        )  # fmt: skip
        super().__init__(
            parent, f"{found.source} is a preset now", f"{found.title}. {keys}", [("Close", "primary", self.accept)]
        )
        page = QWidget()
        column = boxes.column(theme.SPACE, page)
        boxes.pad(column, 0, theme.HALF)
        for note in found.notes:
            column.addWidget(wrapped(note))
        for each in found.left:
            where = f"line {each.line}" if each.line else "not in the file, by default there"
            column.addWidget(label(f"{each.key} = {each.value}", "mono"))
            column.addWidget(wrapped(f"{where}: {each.sentence}", "muted"))
        if found.aside:
            column.addWidget(wrapped(f"Without effect here: {', '.join(each.key for each in found.aside)}.", "faint"))
        column.addStretch(1)
        area = QScrollArea()
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName("What did not come along")
        self.body.addWidget(area)
        inside = self.width() - 2 * theme.MARGIN - theme.SPACE  # which may be the scroll bar's
        least = page.minimumSizeHint().height()  # asked first: now the words have their fonts
        area.setFixedHeight(min(theme.SPACE * 44, max(least, page.heightForWidth(inside))))
