"""Work that takes a while, done beside the window's thread; what it gives comes back into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

T = TypeVar("T")


class _Messenger(QObject):
    """Carries results and refusals out of a pool's threads."""

    done = Signal(object, object)
    failed = Signal(str)


class _Chore(QRunnable):
    def __init__(self, work: Callable[[], Any], then: Callable[[Any], None], messenger: _Messenger) -> None:
        super().__init__()
        self._work, self._then, self._messenger = work, then, messenger

    def run(self) -> None:
        """Work, and hand over what came out or why nothing did."""
        try:
            found = self._work()
        except (OSError, ValueError) as error:  # a refusal, whose words are a sentence for the person
            self._messenger.failed.emit(str(error))
        else:
            self._messenger.done.emit(self._then, found)


class Chores(QObject):
    """Chores of a widget. `failed` carries the sentence of one that could not be done; its `then` is not called."""

    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._messenger = _Messenger(self)
        self._messenger.done.connect(self._finish)  # methods of this object, so that they are called in its thread
        self._messenger.failed.connect(self.failed)

    def do(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Work in a thread, and call `then` in the window's with what came out. OSErrors and ValueErrors are refusals."""
        self._pool.start(_Chore(work, then, self._messenger))

    def _finish(self, then: Callable[[Any], None], found: Any) -> None:
        then(found)

    def wait(self) -> None:
        """Until nothing is left to do: for the end of the program."""
        self._pool.waitForDone()
