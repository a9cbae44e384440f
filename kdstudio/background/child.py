"""A command of the terminal run beside the window: what needs torch and is not the run itself happens in such a child."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, QProcess, QProcessEnvironment, Signal

LAST = 4000
"""Characters kept of what a child says on its error stream."""


class Child(QObject):
    """One child at a time: `python -m kdstudio WORDS`. `said` carries every line it prints that is a JSON object, `ended` its
    exit code and its last words (the sentence of a refusal; empty where it said nothing). What runs when the application quits
    is killed."""

    said = Signal(dict)
    ended = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._listen)
        self._process.finished.connect(self._end)
        self._process.errorOccurred.connect(self._fail)
        self._part, self._words = b"", ""
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.end)

    @property
    def busy(self) -> bool:
        """Whether a child is running."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def start(self, words: Sequence[str], environment: dict[str, str] | None = None) -> None:
        """Run a command, with variables added to the window's own. Raises RuntimeError while another is running."""
        if self.busy:
            raise RuntimeError("a child is running already; wait for it, or end it first")
        self._part, self._words = b"", ""
        around = QProcessEnvironment.systemEnvironment()
        for name, value in (environment or {}).items():
            around.insert(name, value)
        self._process.setProcessEnvironment(around)
        self._process.start(sys.executable, ["-m", "kdstudio", *words])

    def end(self) -> None:
        """Kill what is running and wait until it is gone; nothing more is said of it."""
        if self.busy:
            self._process.blockSignals(True)
            self._process.kill()
            self._process.waitForFinished()
            self._process.blockSignals(False)

    def write(self, line: str) -> None:
        """Say a line to its standard input."""
        self._process.write(line.encode() + b"\n")

    def interrupt(self) -> None:
        """Ask it to end by itself, as Ctrl+C does in a terminal: a run then leaves a checkpoint."""
        self._process.terminate()

    def _read(self) -> None:
        self._part += bytes(self._process.readAllStandardOutput().data())
        *lines, self._part = self._part.split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                self.said.emit(_object(line))

    def _listen(self) -> None:
        heard = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
        self._words = (self._words + heard)[-LAST:]

    def _end(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        self._listen()
        words = self._words.strip()
        if status != QProcess.ExitStatus.NormalExit and not words:
            words = "It was ended by the system before it could say why."
        self.ended.emit(code, words)

    def _fail(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.ended.emit(-1, f"{sys.executable} could not be started: {self._process.errorString()}")


def _object(line: bytes) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(line)
    return made
