"""The queue and the rest of the window: what Start, a sweep, an edit or a control run mean for both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from engine.presets import PresetError, Resolved
from kdstudio.queue.edit_banner import EditBanner
from kdstudio.widgets import asking

if TYPE_CHECKING:
    from engine.queue import Entry
    from kdstudio.queue.desk import Desk
    from kdstudio.queue.devices import Devices
    from kdstudio.queue.queueing import Queue
    from kdstudio.screens.run import RunScreen
    from kdstudio.store import Kept
    from kdstudio.window import Window

PEEK = 1500
"""Milliseconds after the window was shown when a queue of last time is looked for."""

BUSY = "A run goes on; this one waits in the queue for its turn."


class Lineup(QObject):
    """One window's dealings with its queue, which is read when it is first wanted. `settled`: nothing runs any more."""

    settled = Signal()

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._queue: Queue | None = None
        self._devices: Devices | None = None
        self._beside: dict[str, RunScreen] = {}
        self._kept: Kept | None = None
        self.banner = EditBanner()
        self.banner.hide()
        self.banner.left.connect(self.leave_edit)
        window.state_changed.connect(lambda _: self._say_start())

    @property
    def queue(self) -> Queue:
        """The queue of the window's folder of runs. Raises QueueError and OSError where it cannot be read."""
        if self._queue is None:
            from kdstudio.queue.devices import Devices
            from kdstudio.queue.queueing import Queue

            made = Queue(self._window.home, self._window.trainer, self)
            made.began.connect(self._began)
            made.ended.connect(self._ended)
            made.failed.connect(lambda words: asking.tell(self._window, "The queue", words))
            made.changed.connect(self._follow)
            self._queue = made
            self._devices = Devices(made)
            self._follow()
        return self._queue

    @property
    def devices(self) -> Devices:
        """Further devices on which entries may run."""
        self.queue  # noqa: B018  (made with it)
        assert self._devices is not None
        return self._devices

    def ready(self) -> Queue | None:
        """The queue; None, and a sentence for the person, where it cannot be read."""
        from engine.queue import QueueError

        try:
            return self.queue
        except (QueueError, OSError) as error:
            asking.tell(self._window, "The queue cannot be used", str(error))
            return None

    def peek(self) -> None:
        """Look for what waits from last time, once the window stands."""
        QTimer.singleShot(PEEK, self, lambda: (self._window.home / "queue" / "queue.json").is_file() and self.ready())

    # What a person does

    def start(self, resolved: Resolved) -> None:
        """Run an experiment now, or put it into the queue where something runs; one that was edited goes back to its place."""
        queue = self.ready()
        if queue is None or not self._fits(queue, resolved):
            return
        if queue.held:
            queue.put_back(resolved)
            self._end_edit()
        elif self._waits(queue, resolved):
            queue.put([resolved])
        elif queue.start(resolved):
            self._window.show_run()

    def resume(self, path: Path, resolved: Resolved) -> None:
        """Go on with a run now, or in its turn."""
        queue = self.ready()
        if queue is None:
            return
        if not queue.desks[""].free:
            queue.put([resolved], resume=path)
        elif queue.start(resolved, resume=path):
            self._window.show_run()

    def sweep(self, path: str) -> None:
        """Open the sheet on which a setting becomes a sweep."""
        from kdstudio.queue.sweeping import SweepSheet

        if self.ready() is not None and self._window.store.opened():
            SweepSheet(self._window, self._window.store, path, self.put, self._window.home).open()

    def put(self, experiments: Sequence[Resolved], batch: str) -> None:
        """Put experiments into the queue and show it."""
        queue = self.ready()
        if queue is not None and queue.put(experiments, batch):
            self._window.go("queue")

    def controls(self, key: str) -> None:
        """Queue the controls of an entry on the same seeds."""
        queue = self.ready()
        if queue is None:
            return
        try:
            self.controls_of(queue.file.resolved(key, catalogue=self._window.store.catalogue))
        except PresetError as error:
            asking.tell(self._window, "This entry cannot be read", str(error))

    def controls_of(self, resolved: Resolved) -> None:
        """Queue the controls of an experiment on the same seeds."""
        from engine.siblings import siblings

        found = siblings(resolved, home=self._window.home, catalogue=self._window.store.catalogue)
        if not found:
            asking.tell(
                self._window, "No controls", "No control run exists for this experiment: there is nothing to take away."
            )
            return
        self.put([s.resolved for s in found], f"Controls of {resolved.experiment.title or 'this experiment'}")

    def edit(self, key: str) -> None:
        """Show an entry's experiment in the form; Start puts it back."""
        queue = self.ready()
        if queue is None or not queue.hold(key):
            return
        store = self._window.store
        self._kept = self._kept or store.kept()
        try:
            store.open_preset(queue.file.experiment_of(key))
        except PresetError as error:
            queue.release()
            asking.tell(self._window, "This entry cannot be edited", str(error))
            return
        self.banner.show_title(queue.listing.having(key).title)
        self._say_start()
        self._window.show_setup()

    def leave_edit(self) -> None:
        """Put the entry back as it was."""
        self.queue.release()
        self._end_edit()

    def follow(self, key: str, what: str) -> None:
        """Let the experiment in the form take its teacher, or its start, from the student that an entry makes."""
        from engine.queue import AWAITED

        queue, store = self.ready(), self._window.store
        if queue is None:
            return
        try:
            source = queue.file.resolved(key, catalogue=store.catalogue).experiment
            who = "teacher" if what == "distil" else "student"
            if what == "quantize":
                store.open_preset(queue.file.experiment_of(key))
        except PresetError as error:
            asking.tell(self._window, "This entry cannot be read", str(error))
            return
        values: dict[str, Any] = {f"{who}.net": source.student.net, f"{who}.source": "run", f"{who}.run": f"{AWAITED}{key}"}
        if what == "quantize":
            rate = float(f"{source.training.learning_rate / 5:.3g}")
            values |= {"student.quantize.weights": 4, "student.quantize.activations": 4, "training.learning_rate": rate}
            values["title"] = f"{source.title}, 4 bits"
        store.set_values(values)
        self._window.show_setup()
        self._window.setup.reveal(f"{who}.run")

    def watch(self, key: str) -> None:
        """Show the run of an entry, wherever it is going on, or as it was."""
        queue = self.ready()
        entry = None if queue is None else queue.listing.entry(key)
        if queue is None or entry is None:
            return
        desk = queue.desk_of(key)
        if desk is not None and desk.device:
            self._window.show_beside(self._screen_of(desk))
        elif desk is not None:
            self._window.show_run()
        elif entry.runs:
            self._window.open_run(self._window.home / entry.runs[max(entry.runs)])
        elif entry.resume:
            self._window.open_run(Path(entry.resume))

    # Leaving

    def runs(self) -> bool:
        """Whether something is running in this window."""
        return self._queue is not None and any(desk.entry is not None for desk in self._queue.desks.values())

    def keep_in_line(self) -> None:
        """Begin nothing more, for the window is to be closed; what is stopped now stays in the queue."""
        if self._queue is not None:
            self._queue.leaving()

    def stop(self) -> None:
        """Stop all that runs, with checkpoints."""
        self.keep_in_line()
        for desk in self._queue.desks.values() if self._queue is not None else ():
            if desk.entry is not None:
                desk.worker.stop()

    def stay(self) -> None:
        """The window is not to be closed after all."""
        if self._queue is not None:
            self._queue.stay()

    def close(self) -> None:
        """Give everything back: for the end of the window."""
        if self._queue is not None:
            self._queue.leave()

    # Inside

    def _waits(self, queue: Queue, resolved: Resolved) -> bool:
        """Whether an experiment cannot begin now: something runs, or it stands on what is still to come."""
        from engine.queue import awaited

        return not queue.desks[""].free or bool(awaited(resolved.experiment))

    def _fits(self, queue: Queue, resolved: Resolved) -> bool:
        """Whether the entries that an experiment stands on make what it says they do."""
        misfit = queue.file.misfit(resolved.experiment)
        if misfit:
            asking.tell(self._window, "This does not fit together", misfit)
        return not misfit

    def _began(self, desk: Desk, entry: Entry, folder: Path | None) -> None:
        screen = self._screen_of(desk) if desk.device else self._window.run
        screen.expect(entry.title)
        if folder is not None:
            screen.go_on(folder)

    def _screen_of(self, desk: Desk) -> RunScreen:
        """The screen of a run on a further device, with its levers on the child."""
        if desk.device not in self._beside:
            from kdstudio.entries.run import wired

            self._beside[desk.device] = wired(self._window, desk.worker)
        return self._beside[desk.device]

    def _ended(self, entry: Entry) -> None:
        if not self.runs():
            self.settled.emit()

    def _follow(self) -> None:
        """Mark in the rail what waits, and tell the form which runs are to come."""
        from engine.queue import AWAITED

        assert self._queue is not None
        listing = self._queue.listing
        self._window.store.set_awaited([f"{AWAITED}{e.key}" for e in listing.entries if e.what == "train"])
        tone = ("accent" if self._queue.going else "warning") if listing.waiting() else ""
        self._window.rail.items["queue"].set_dot(tone)
        if self._kept is not None and not self._queue.held:
            self._end_edit()
        self._say_start()

    def _end_edit(self) -> None:
        """Give the form back what it showed before."""
        self.banner.hide()
        kept, self._kept = self._kept, None
        if kept is not None:
            try:
                self._window.store.bring_back(kept)
            except PresetError as error:
                asking.tell(self._window, "The form cannot be brought back", str(error))
            self._window.go("queue")
        self._say_start()

    def _say_start(self) -> None:
        plan = self._window.setup.plan
        if self._queue is not None and self._queue.held:
            plan.set_start("Put back into the queue", "queue")
        elif self._queue is not None and not self._queue.desks[""].free:
            plan.set_start("Queue", "queue", BUSY)
        else:
            plan.set_start()
