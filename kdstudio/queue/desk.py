"""One device and who trains on it: the entry of the queue that is there now, a repeat at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance

from engine import events, runs
from engine.presets import PresetError, Resolved
from engine.queue import Entry, QueueFile
from engine.queue.entry import State, filled
from engine.runs import RunFolder


class Worker(Protocol):
    """Who runs an experiment and reports: the training thread, or a child process."""

    said: SignalInstance
    state_changed: SignalInstance

    @property
    def state(self) -> str:
        """One of idle, starting, running, paused, stopping."""

    def start(
        self, resolved: Any, home: Path | None = None, resume: Path | None = None, repeats: Collection[int] | None = None
    ) -> None:
        """Begin a run, or continue the one in the folder `resume`; of several repeats only some where they are given."""

    def pause(self) -> None:
        """Wait before the next step."""

    def resume(self) -> None:
        """Go on after a pause."""

    def stop(self) -> None:
        """End after the present step, leaving a checkpoint."""

    def save_now(self) -> None:
        """Write a checkpoint after the present step."""

    def move_weight(self, term: str, weight: float) -> None:
        """Give a term another weight from the next step on."""


class Desk(QObject):
    """Runs one entry after another. `device` is empty for the one the window itself trains on.

    `began` says that a run was started, and from which folder where it is gone on with; `made` carries entry, repeat and the
    name of its run; `ended` entry, state, sentence and seconds. `word` is the stage a run is in, `share` how much of that is
    done.
    """

    began = Signal(object, object)
    made = Signal(str, int, str)
    ended = Signal(str, str, str, float)

    def __init__(self, file: QueueFile, worker: Worker, device: str, parent: QObject) -> None:
        super().__init__(parent)
        self.worker, self.device = worker, device
        self.entry: Entry | None = None
        self.halting = False
        self._file = file
        self._sources: Sequence[dict[str, str]] = ()
        self._runs: dict[int, str] = {}
        self._last: events.RunEnded | events.Refused | None = None
        self._seconds = 0.0
        self.word, self.share = "", 0.0
        worker.said.connect(self._hear)
        worker.state_changed.connect(self._follow)

    @property
    def free(self) -> bool:
        """Whether an entry can be taken."""
        return self.entry is None and self.worker.state == "idle"

    def take(self, entry: Entry, sources: Sequence[dict[str, str]]) -> None:
        """Run an entry; `sources` are the runs it stands on, for each of its repeats."""
        self.entry, self._sources, self._runs = entry, sources, dict(entry.runs)
        self._seconds, self._last, self.halting = 0.0, None, False
        self.word, self.share = "", 0.0
        self._next()

    def halt(self) -> None:
        """Begin no other repeat; the entry is put back when the present one is over."""
        self.halting = True

    def _next(self) -> None:
        """Begin the next repeat that is not done."""
        entry = self._present()
        left = [n for n in range(entry.repeats) if not self._is_done(n)]
        if not left:
            self._end("done", self._last.sentence if isinstance(self._last, events.RunEnded) else "")
            return
        try:
            self._begin(entry, left)
        except PresetError as error:
            self._end("refused", "; ".join(str(p) for p in error.problems))
        except (runs.RunError, OSError) as error:
            self._end("failed", str(error))

    def _begin(self, entry: Entry, left: Sequence[int]) -> None:
        self._last = None
        if entry.resume:
            stored = Path(entry.resume)
            resolved = RunFolder.open(stored).experiment()
            self.worker.start(resolved, stored.parent, stored)  # its repeats and teachers lie beside it
            self.began.emit(entry, stored)
            return
        resolved = self._resolved(entry, left[0])
        own = self._folder(left[0])
        if entry.repeats == 1 and own is None:
            self.worker.start(resolved, self._file.home)
        else:
            known = own or next((path for n in sorted(self._runs) if (path := self._folder(n))), None)
            alone = (left[0],) if len(left) > 1 else None  # the last one sums the group up
            self.worker.start(resolved, self._file.home, known, alone)
        self.began.emit(entry, own)

    def _resolved(self, entry: Entry, repeat: int) -> Resolved:
        """The experiment of an entry with the runs it stands on, for this device."""
        found = self._file.resolved(entry.key)
        experiment = filled(found.experiment, self._sources[repeat])
        if self.device and not entry.device:
            experiment.run.device = self.device
        return replace(found, experiment=experiment)

    def _folder(self, repeat: int) -> Path | None:
        name = self._runs.get(repeat)
        path = self._file.home / name if name else None
        return path if path is not None and (path / "experiment.yaml").is_file() else None

    def _is_done(self, repeat: int) -> bool:
        path = self._folder(repeat)
        return path is not None and RunFolder.open(path).state() == "done"

    def _present(self) -> Entry:
        assert self.entry is not None
        return self.entry

    def _hear(self, event: events.Event) -> None:
        if self.entry is None:
            return
        if isinstance(event, events.RunStarted):
            self._runs[event.repeat] = event.run
            self.made.emit(self.entry.key, event.repeat, event.run)
        elif isinstance(event, (events.RunEnded, events.Refused)):
            self._last = event
            self._seconds += event.clock
        elif isinstance(event, events.StageStarted):
            self.word, self.share = event.title, 0.0
        elif isinstance(event, events.Step) and event.steps:
            self.share = event.step / event.steps

    def _follow(self, state: str) -> None:
        if state == "idle" and self.entry is not None:
            QTimer.singleShot(0, self, self.settle)  # others are still to hear that it is idle

    def settle(self) -> None:
        """Where a run is over: go on with the next repeat, or say what became of the entry."""
        if self.entry is None or self.worker.state != "idle":
            return
        last, entry = self._last, self.entry
        if isinstance(last, events.Refused):
            self._end("refused", "; ".join(p["sentence"] for p in last.problems))
        elif last is None:
            self._end("failed", "It ended without a word; the run's log may say more.")
        elif last.outcome != "done" or entry.resume or entry.repeats == 1:
            self._end(last.outcome, last.sentence)
        elif self.halting and any(not self._is_done(n) for n in range(entry.repeats)):
            self._end("waiting", "")
        else:
            self._next()

    def _end(self, state: State, sentence: str) -> None:
        entry = self._present()
        self.entry = None
        self.ended.emit(entry.key, state, sentence, self._seconds)
