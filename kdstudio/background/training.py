"""The one thread that trains: it runs `engine.session` and hands its events to the window's thread, 20 times a second."""

from __future__ import annotations

import locale
import logging
import os
import traceback
from collections import deque
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, QThread, QTimer, Signal

from engine import events
from engine.accelerators import ORDER
from engine.control import Control

State = Literal["idle", "starting", "running", "paused", "stopping"]

STACK = 16 << 20
"""Bytes of stack for the thread: Qt's default is small for torch's kernels on some systems."""

DRAIN = 50
"""Milliseconds between two looks into the mailbox."""

log = logging.getLogger(__name__)


class _Work(QThread):
    """Calls `session.run` and posts every event into a mailbox; owns nothing a widget owns."""

    def __init__(self, order: tuple[Any, Path | None, Path | None, Collection[int] | None], parent: QObject) -> None:
        super().__init__(parent)
        self.setStackSize(STACK)
        self.control = Control()
        self.mailbox: deque[events.Event] = deque()
        self._order = order
        self._folder = ""
        self._ended = False
        self._clock = (0.0, 0.0)

    def run(self) -> None:
        """Train to the end; whatever happens, the last word is a RunEnded or a Refused."""
        resolved, home, resume, repeats = self._order
        # Threads of OpenMP that spin while they wait collapse beside a busy window; read when torch loads.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        os.environ.setdefault(*ORDER)
        try:
            from engine import session

            some = {} if repeats is None else {"repeats": repeats}
            session.run(resolved, self._post, self.control, home=home, resume=resume, **some)
        except Exception as error:  # noqa: BLE001  (the thread's border: told to the user, written to the log)
            self._fail(error)
        if not self._ended:
            self._post(self._end("failed", "The run ended without a word; its log may say more."))

    def _post(self, event: events.Event) -> None:
        if isinstance(event, events.RunStarted):
            self._folder, self._ended = event.folder, False
        self._ended = self._ended or isinstance(event, (events.RunEnded, events.Refused))
        self._clock = (event.at, event.clock)
        self.mailbox.append(event)

    def _end(self, outcome: events.Outcome, sentence: str) -> events.RunEnded:
        return events.RunEnded(at=self._clock[0], clock=self._clock[1], outcome=outcome, sentence=sentence)

    def _fail(self, error: Exception) -> None:
        if self._ended:  # the session has said so and kept the traceback
            return
        text = "".join(traceback.format_exception(error))
        if self._folder:
            with (Path(self._folder) / "log.txt").open("a", encoding="utf-8") as file:
                file.write(text)
        else:
            log.error("the run failed before it had a folder:\n%s", text)
        where = " The whole story is in log.txt of the run's folder." if self._folder else ""
        self._post(self._end("failed", f"{type(error).__name__}: {error}.{where}"))


class Trainer(QObject):
    """Starts, steers and reports the one run of this window.

    `said` carries every event in order, in the window's thread; `state_changed` one of idle, starting, running,
    paused, stopping. After the last event of a run the state is idle, also when the run failed.
    """

    said = Signal(object)
    state_changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work: _Work | None = None
        self._state: State = "idle"
        self._timer = QTimer(self)
        self._timer.setInterval(DRAIN)
        self._timer.timeout.connect(self._drain)

    @property
    def state(self) -> State:
        """What the trainer is doing."""
        return self._state

    def start(
        self, resolved: Any, home: Path | None = None, resume: Path | None = None, repeats: Collection[int] | None = None
    ) -> None:
        """Begin a run, or continue the one in the folder `resume`; of several repeats only some
        where they are given. Raises RuntimeError while another is going."""
        if self._work is not None:
            raise RuntimeError("a run is going on already; stop it first")
        locale.setlocale(locale.LC_NUMERIC, "C")  # Qt sets the user's; a comma would be read as no number
        self._work = _Work((resolved, home, resume, repeats), self)
        self._enter("starting")
        self._work.start()
        self._timer.start()

    def pause(self) -> None:
        """Wait before the next step."""
        if self._work and self._state in ("starting", "running"):
            self._work.control.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        if self._work:
            self._work.control.resume()

    def stop(self) -> None:
        """End after the present step, leaving a checkpoint; obeyed while paused, too."""
        if self._work:
            self._enter("stopping")
            self._work.control.stop()

    def save_now(self) -> None:
        """Write a checkpoint after the present step."""
        if self._work:
            self._work.control.save()

    def move_weight(self, term: str, weight: float) -> None:
        """Give a term of the run another weight from its next step on."""
        if self._work:
            self._work.control.move(term, weight)

    def wait(self) -> None:
        """Block until the thread is over and deliver what it said last: for the end of the program."""
        if self._work:
            self._work.wait()
            self._drain()

    def _drain(self) -> None:
        work = self._work
        if work is None:
            return
        over = work.isFinished()  # asked first: what it posted before it finished is in the mailbox then
        while work.mailbox:
            self._deliver(work.mailbox.popleft())
        if over:
            self._timer.stop()
            self._work = None
            work.deleteLater()
            self._enter("idle")

    def _deliver(self, event: events.Event) -> None:
        if self._state != "stopping":
            if isinstance(event, events.Paused):
                self._enter("paused")
            elif isinstance(event, (events.RunStarted, events.Unpaused, events.StageStarted)):
                self._enter("running")
        self.said.emit(event)

    def _enter(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)
