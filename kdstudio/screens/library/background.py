"""Work beside the window's thread: read files, then hand over what was found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal


class Reading(QObject):
    """Reads in a thread of the pool, one at a time; `done` carries what `read` gave, `failed` what an OSError said. Asked again
    while it reads, it reads once more."""

    done = Signal(object)
    failed = Signal(str)

    def __init__(self, read: Callable[[], Any], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._read, self._busy, self._again = read, False, False
        self.done.connect(self._over)
        self.failed.connect(self._over)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)

    def begin(self) -> None:
        """Read now, or once more after what is being read."""
        self._again = self._busy
        if not self._busy:
            self._busy = True
            self._pool.start(_Work(self._read, self))

    def wait(self) -> None:
        """Until nothing is being read."""
        self._again = False
        self._pool.waitForDone()

    def _over(self) -> None:
        self._busy = False
        if self._again:
            self.begin()


class _Work(QRunnable):
    def __init__(self, read: Callable[[], Any], reading: Reading) -> None:
        super().__init__()
        self._read, self._reading = read, reading

    def run(self) -> None:
        """Read, and hand over."""
        try:
            found = self._read()
        except OSError as error:
            self._reading.failed.emit(f"{error.filename or ''} cannot be read: {error.strerror or error}".strip())
        else:
            self._reading.done.emit(found)
