"""Work that takes a while, done beside the window's thread; what it gives comes back into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

T = TypeVar("T")


class _Chore(NamedTuple):
    work: Callable[[], Any]
    then: Callable[[Any], None]
    refused: Callable[[str], None]


class _Messenger(QObject):
    """Carries chores and what came of them out of a pool's threads."""

    done = Signal(object, object)
    failed = Signal(object, str)


class _Worker(QRunnable):
    def __init__(self, chore: _Chore, messenger: _Messenger) -> None:
        super().__init__()
        self._chore, self._messenger = chore, messenger

    def run(self) -> None:
        """Work, and hand over what came out or why nothing did."""
        try:
            found = self._chore.work()
        except OSError as error:
            self._messenger.failed.emit(self._chore, in_words(error))
        except ValueError as error:  # a refusal of the engine, whose words are a sentence for the person
            self._messenger.failed.emit(self._chore, str(error))
        else:
            self._messenger.done.emit(self._chore, found)


class Chores(QObject):
    """Chores of a widget, `at_once` of them at a time (None: as many as there are processors). `failed` carries the sentence of
    one that could not be done and was given nobody of its own to tell."""

    failed = Signal(str)

    def __init__(self, parent: QObject | None = None, at_once: int | None = None) -> None:
        super().__init__(parent)
        self.pending = 0
        self._pool = QThreadPool(self)
        if at_once is not None:
            self._pool.setMaxThreadCount(at_once)
        self._messenger = _Messenger(self)
        self._messenger.done.connect(self._finish)  # methods of this object, so that they are called in its thread
        self._messenger.failed.connect(self._refuse)

    def do(self, work: Callable[[], T], then: Callable[[T], None], refused: Callable[[str], None] | None = None) -> None:
        """Work in a thread, and call `then` in the window's with what came out. OSErrors and ValueErrors are refusals: their
        sentence goes to `refused`, and `then` is not called."""
        self.pending += 1
        self._pool.start(_Worker(_Chore(work, then, refused or self.failed.emit), self._messenger))

    def wait(self) -> None:
        """Until nothing is left to do: for the end of the program. What came out has not been handed over yet."""
        self._pool.waitForDone()

    def _finish(self, chore: _Chore, found: Any) -> None:
        self.pending -= 1
        chore.then(found)

    def _refuse(self, chore: _Chore, sentence: str) -> None:
        self.pending -= 1
        chore.refused(sentence)


def in_words(error: OSError) -> str:
    """What went wrong with which file."""
    why = error.strerror or str(error)
    return f"{error.filename}: {why}" if error.filename else why
