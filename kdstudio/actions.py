"""What a person does with a finished thing: take the student, the preset or a chart away as a file of their own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from engine import presets
from engine.runs import RunFolder

STUDENT = "student.safetensors"


def ask_where(parent: QWidget, title: str, name: str, kinds: str) -> Path | None:
    """Where to write a file; None where the person changed their mind. `kinds` is a file filter; a name that was typed without
    an ending gets that of the kind."""
    chosen, kind = QFileDialog.getSaveFileName(parent, title, name, kinds)
    if not chosen:
        return None
    path = Path(chosen)
    ending = re.search(r"\*(\.\w+)", kind or kinds)
    return path if path.suffix or ending is None else path.with_suffix(ending[1])


def ask_folder(parent: QWidget, title: str, start: Path) -> Path | None:
    """Which folder; None where the person changed their mind."""
    chosen = QFileDialog.getExistingDirectory(parent, title, str(start))
    return Path(chosen) if chosen else None


def save_student(run: Path, target: Path) -> None:
    """Copy the student of a finished run. Raises OSError where it has none or the file cannot be written."""
    shutil.copyfile(run / STUDENT, target)


def save_preset(run: Path, target: Path) -> None:
    """Write the experiment of a run as one self-contained YAML. Raises OSError where the file cannot be written."""
    target.write_text(presets.to_yaml(RunFolder.open(run).experiment()), encoding="utf-8")


def take_away(parent: QWidget, title: str, name: str, kinds: str, write: Callable[[Path], None]) -> Path | None:
    """Ask where, write, and say what went wrong where it did; gives the file that was written."""
    target = ask_where(parent, title, name, kinds)
    if target is None:
        return None
    try:
        write(target)
    except OSError as error:
        QMessageBox.warning(parent, title, f"{target} could not be written: {error.strerror or error}")
        return None
    return target


def open_folder(path: Path) -> None:
    """Show a folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
