"""Exports of the queue: the student of an entry into a folder, in a child process, one after another."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QElapsedTimer, QObject, Signal

from engine.queue import Entry
from kdstudio.background.child import Child


class Exporter(QObject):
    """`ended` carries entry, state, sentence and seconds, as that of a desk."""

    ended = Signal(str, str, str, float)

    def __init__(self, home: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._home = home
        self._entry: Entry | None = None
        self._clock = QElapsedTimer()
        self._child = Child(self)
        self._child.ended.connect(self._over)

    @property
    def busy(self) -> bool:
        """Whether an export is going on."""
        return self._entry is not None

    def start(self, entry: Entry, run: str) -> None:
        """Export the student of a run into the entry's folder."""
        self._entry = entry
        self._clock.start()
        self._child.start(["export", run, entry.folder, "--runs", str(self._home)])

    def end(self) -> None:
        """Kill what is running: for the end of the window."""
        self._child.end()
        self._entry = None

    def _over(self, code: int, words: str) -> None:
        entry, self._entry = self._entry, None
        if entry is not None:
            said = f"In {entry.folder}." if code == 0 else (words or f"The export ended with {code} and said nothing.")
            self.ended.emit(entry.key, "done" if code == 0 else "failed", said, self._clock.elapsed() / 1000)
