"""Taking a run's student away in the form that a file's ending names; a program is made in a child process, for that needs
torch."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Signal

from kdstudio import actions
from kdstudio.background.child import Child

KINDS = "Student (*.safetensors);;ONNX (*.onnx);;Program of torch.export (*.pt2)"
"""As the system asks for a file; the first is what a student is kept as."""
KEPT = ".safetensors"


class StudentFile(QObject):
    """One file at a time. `said` carries a sentence about it, and its tone: empty while it is written, `good` or `problem`."""

    said = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = Path()
        self._child = Child(self)
        self._child.ended.connect(self._end)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self._child.end)

    def write(self, run: Path, path: Path) -> None:
        """Write the student of a finished run; what is being written of another is given up."""
        self._child.end()
        self._path = path
        if path.suffix == KEPT:
            self._copy(run)
            return
        self.said.emit(f"Writing {path.name}, and running it once…", "")
        self._child.start(["export", str(run), str(path)])

    def _copy(self, run: Path) -> None:
        try:
            actions.save_student(run, self._path)
        except OSError as error:
            self.said.emit(f"{self._path} could not be written: {error.strerror or error}", "problem")
        else:
            self._tell_written()

    def _end(self, code: int, words: str) -> None:
        if code:
            self.said.emit(words or f"The export ended with {code} and said nothing.", "problem")
        else:
            self._tell_written()

    def _tell_written(self) -> None:
        self.said.emit(f"Written: {self._path}", "good")
