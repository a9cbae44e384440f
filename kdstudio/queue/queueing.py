"""The queue of this window: what waits, what runs where, and the next one as soon as something is free.

The queue itself lies on disk and may be worked on by several windows; this is one window's hand in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from engine.presets import Resolved
from engine.queue import Entry, Listing, Owner, QueueError, QueueFile, order
from engine.queue.entry import State, new_key
from kdstudio.queue.desk import Desk, Worker
from kdstudio.queue.exporting import Exporter
from kdstudio.queue.pacing import Pacing

LOOK = 1000
"""Milliseconds between two looks at whether another window has changed the queue."""

CLOSED = "Stopped when kdstudio was closed; it goes on from its checkpoint."
ELSEWHERE = "export"
"""Where exports run: on no device."""


class Queue(QObject):
    """`changed` says that the listing is another one; `began` carries a desk, the entry it runs and the folder that is gone on
    with, or None; `failed` a sentence about an order that could not be followed."""

    changed = Signal()
    began = Signal(object, object, object)
    ended = Signal(object)
    failed = Signal(str)

    def __init__(self, home: Path, worker: Worker, parent: QObject | None = None) -> None:
        """`worker` trains on this window's device. Raises QueueError and OSError where the queue cannot be read."""
        super().__init__(parent)
        self.file = QueueFile(home)
        self.owner = Owner(self.file)
        self.listing = self.file.recover()
        self.going = not self.listing.waiting()
        self.held = ""
        self._stamp = self.file.stamp()
        self._left = self._in_line = False
        self.desks: dict[str, Desk] = {}
        self.pacing = Pacing(home, self)
        self.pacing.read()
        self._exporter = Exporter(home, self)
        self._exporter.ended.connect(self._close)
        self.employ("", worker)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    # Devices

    def employ(self, device: str, worker: Worker) -> None:
        """Let somebody train on a further device."""
        desk = Desk(self.file, worker, device, self)
        desk.began.connect(lambda entry, folder: self.began.emit(desk, entry, folder))
        desk.made.connect(lambda key, repeat, run: self._edit(lambda listing: order.made(listing, key, repeat, run)))
        desk.ended.connect(self._close)
        self.desks[device] = desk
        QTimer.singleShot(0, self, self.advance)

    def dismiss(self, device: str) -> None:
        """Take nothing more on a further device; what runs there ends first. Raises QueueError for one that is busy."""
        if self.desks[device].entry is not None:
            raise QueueError(f"Something is running on {device}; wait until it is over, or stop it first.")
        self.desks.pop(device).deleteLater()

    def desk_of(self, key: str) -> Desk | None:
        """Where an entry is running in this window; None where it is not."""
        return next((d for d in self.desks.values() if d.entry is not None and d.entry.key == key), None)

    # What a person does

    def start(self, resolved: Resolved, *, resume: Path | None = None) -> bool:
        """Run an experiment now, before all that waits; whether it could be begun. This window must be free."""
        return self._now(lambda: self._entry(resolved, resume))

    def put(self, experiments: Sequence[Resolved], batch: str = "", resume: Path | None = None) -> tuple[Entry, ...]:
        """Put experiments at the end, as they are now; the entries, none where the queue could not be written."""
        try:
            entries = tuple(self._entry(resolved, resume, batch) for resolved in experiments)
        except QueueError as error:
            self.failed.emit(str(error))
            return ()
        done = self._edit(lambda listing: order.added(listing, entries))
        self.advance()
        return entries if done else ()

    def export(self, key: str, folder: Path) -> None:
        """Export the student of an entry as soon as it is there."""
        title = self.listing.having(key).title
        made = Entry(new_key(), f"Export the student of {title}", "export", sources={"run": key}, folder=str(folder))
        self._edit(lambda listing: order.added(listing, [made]))
        self.advance()

    def run_now(self, key: str) -> bool:
        """Run an entry that waits before all others. This window must be free."""
        return self._now(lambda: self.listing.having(key), new=False)

    def go(self) -> None:
        """Work through the queue from now on."""
        self.going = True
        for desk in self.desks.values():
            desk.halting = False
        self.changed.emit()
        self.advance()

    def rest(self) -> None:
        """Begin nothing more once the runs that go on are over."""
        self.going = False
        for desk in self.desks.values():
            desk.halt()
        self.changed.emit()

    def move(self, key: str, by: int) -> None:
        """An entry so many places down; up where negative."""
        self._edit(lambda listing: order.moved(listing, key, by))

    def place(self, keys: Collection[str], place: int) -> None:
        """Entries to a place among those that wait."""
        self._edit(lambda listing: order.placed(listing, keys, place))

    def remove(self, keys: Collection[str]) -> None:
        """Take entries out; `undo` puts them back."""
        self._edit(lambda listing: order.removed(listing, keys))

    def undo(self) -> None:
        """Put back what was removed last."""
        self._edit(order.restored)
        self.advance()

    def clear(self) -> None:
        """Take out what is over, unless something waits for it."""
        self._edit(order.cleared)

    def again(self, key: str) -> None:
        """Put an entry that is over into line once more."""
        self._edit(lambda listing: order.again(listing, key))
        self.advance()

    def hold(self, key: str) -> bool:
        """Take an entry out of the line to edit it; whether that could be done. One at a time."""
        self.release()
        if self._edit(lambda listing: order.held(listing, key, self.owner.name)):
            self.held = key
            self.changed.emit()
        return bool(self.held)

    def release(self) -> None:
        """Put the entry that was being edited back as it was."""
        key, self.held = self.held, ""
        if key and self.listing.entry(key) is not None:
            self._edit(lambda listing: listing.changed(key, lambda e: e.waiting(e.sentence)))
        self.advance()

    def put_back(self, resolved: Resolved) -> None:
        """Put the entry that was being edited back with other settings; what it had run before stays a run of its own."""
        key, self.held = self.held, ""
        before = self.listing.entry(key)
        try:
            entry = self.file.put(resolved, key=key, batch=before.batch if before else "")
        except QueueError as error:
            self.failed.emit(str(error))
            return
        if before is None:
            self._edit(lambda listing: order.added(listing, [entry]))
        else:
            self._edit(lambda listing: order.replaced(listing, entry))
        self.advance()

    # Going on

    def look(self) -> None:
        """See whether another window has changed the queue, or is no more."""
        try:
            stamp = self.file.stamp()
            others = {e.owner for e in self.listing.entries if e.owner and e.owner != self.owner.name}
            if any(not self.file.alive(name) for name in others):
                self._take(self.file.recover())
            elif stamp != self._stamp:
                self._take(self.file.read())
        except (QueueError, OSError) as error:
            self._timer.stop()
            self.failed.emit(f"The queue cannot be followed any more: {error}")
        self.advance()

    def advance(self) -> None:
        """Give every free desk the next entry it may run, while the queue is going."""
        if self._left:
            return
        if not self._exporter.busy:
            self._export_next()
        for desk in list(self.desks.values()):
            if self.going and desk.free and order.next_for(self.listing, desk.device, self._served(), self.owner.name):
                self._claim(desk, lambda listing, desk=desk: order.next_for(  # type: ignore[misc]
                    listing, desk.device, self._served(), self.owner.name
                ))  # fmt: skip

    def leave(self) -> None:
        """Stop looking and give everything back: for the end of the window."""
        if self._left:
            return
        self._left = True
        self._timer.stop()
        for desk in self.desks.values():
            desk.halt()
            desk.settle()
        self.release()
        self._exporter.end()
        self.pacing.wait()
        self.owner.leave()

    def leaving(self) -> None:
        """The window is to be closed once its runs are over: begin nothing more, and keep what is stopped in line."""
        self._in_line = True
        self.rest()

    def stay(self) -> None:
        """The window is not to be closed after all."""
        self._in_line = False

    # Inside

    def _served(self) -> list[str]:
        return [device for device in self.desks if device]

    def _entry(self, resolved: Resolved, resume: Path | None = None, batch: str = "") -> Entry:
        guess = self.pacing.seconds(resolved.experiment)
        return self.file.put(resolved, batch=batch, resume="" if resume is None else str(resume), estimate=guess)

    def _now(self, find: Callable[[], Entry], new: bool = True) -> bool:
        try:
            entry = find()
        except QueueError as error:
            self.failed.emit(str(error))
            return False
        if new and not self._edit(lambda listing: order.added(listing, [entry], first=True)):
            return False
        return self._claim(self.desks[""], lambda listing: listing.entry(entry.key))

    def _claim(self, desk: Desk, choose: Callable[[Listing], Entry | None]) -> bool:
        """Take an entry under the lock, so that no other window has it too, and run it."""
        chosen: list[str] = []

        def take(listing: Listing) -> Listing:
            entry = choose(listing)
            if entry is None:
                return listing
            chosen.append(entry.key)
            return order.taken(listing, entry.key, self.owner.name, desk.device)

        if not self._edit(take) or not chosen:
            return False
        entry = self.listing.having(chosen[0])
        desk.take(entry, [order.sources_of(self.listing, entry, n) for n in range(entry.repeats)])
        return True

    def _export_next(self) -> None:
        def choose(listing: Listing) -> Listing:
            entry = order.next_for(listing, "", what="export")
            return listing if entry is None else order.taken(listing, entry.key, self.owner.name, ELSEWHERE)

        if order.next_for(self.listing, "", what="export") is None or not self._edit(choose):
            return
        mine = [e for e in self.listing.running() if e.what == "export" and e.owner == self.owner.name]
        if mine:
            self._exporter.start(mine[0], order.sources_of(self.listing, mine[0], 0)["run"])

    def _close(self, key: str, state: State, sentence: str, seconds: float) -> None:
        if state == "stopped" and self._in_line:
            state, sentence = "waiting", CLOSED
        self._edit(lambda listing: order.ended(listing, key, state, sentence, seconds))
        entry = self.listing.entry(key)
        self.pacing.read()
        if entry is not None:
            self.ended.emit(entry)
        self.advance()

    def _edit(self, edit: Callable[[Listing], Listing]) -> bool:
        """Change the queue on disk; whether that could be done."""
        try:
            self._take(self.file.change(edit))
        except QueueError as error:
            self.failed.emit(str(error))
        else:
            return True
        return False

    def _take(self, listing: Listing) -> None:
        self._stamp = self.file.stamp()
        if listing != self.listing:
            self.listing = listing
            self.changed.emit()
