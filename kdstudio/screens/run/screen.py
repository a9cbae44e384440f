"""The Run screen: header, stages, results, the board of charts, the log. `receive` shows a live run, `show_run` a stored
one; both build the same history."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from engine import events
from engine.runs import RunFolder
from engine.runs.tail import Tail
from kdstudio import actions, theme
from kdstudio.charts import taking
from kdstudio.charts.board import RIGHT, Board
from kdstudio.charts.card import Card
from kdstudio.charts.lens import Lens
from kdstudio.charts.lens_bar import LensBar
from kdstudio.charts.redraw import Redraw
from kdstudio.history import History
from kdstudio.screens.run import keys, student_file
from kdstudio.screens.run.following import Follower
from kdstudio.screens.run.header import Header, ended
from kdstudio.screens.run.logbook import Logbook
from kdstudio.screens.run.notice import Notice
from kdstudio.screens.run.panels import Panels
from kdstudio.screens.run.results import Results
from kdstudio.screens.run.stagebar import ProgressLine, StageBar
from kdstudio.screens.run.student_file import StudentFile
from kdstudio.screens.run.toolbar import CardsButton
from kdstudio.widgets.empty import EmptyState
from kdstudio.widgets.icons import TextButton

WORDS_PASS = 500
"""Milliseconds between two refreshes of header, stages and log."""


TURNS = (
    events.RunStarted, events.RunResumed, events.RunEnded, events.Refused, events.GroupEnded, events.Paused, events.Unpaused,
)  # fmt: skip
"""Events after which the words of the screen change at once."""


class RunScreen(QWidget):
    """One run. The levers come out as signals, and `set_state` tells what the trainer made of them."""

    pause_requested = Signal()
    resume_requested = Signal()
    stop_requested = Signal()
    save_requested = Signal()
    weight_requested = Signal(str, float)
    """A term of the live run is to have another weight."""
    fix_requested = Signal(dict)
    """Settings that mend what a finding says, for a copy of the shown run."""
    continue_requested = Signal(Path)
    """The stored run of this folder is to go on."""
    setup_requested = Signal()
    """Nothing runs, and the person wants to set something up."""

    def __init__(self) -> None:
        super().__init__()
        theme.set_role(self, "plain")
        self.history = History()
        self.header, self.stages, self.results, self.log = Header(), StageBar(), Results(), Logbook()
        self.progress = ProgressLine()
        self.lens = Lens(self)
        self.board = Board()
        self.lens_bar, self.cards = LensBar(self.lens, "run"), CardsButton(self.board)
        self.redraw = Redraw(self.board, self)
        self.panels: Panels | None = None
        self.notice = Notice(self)
        self.follower, self.student_file = Follower(self), StudentFile(self)
        self._state = "idle"
        self._pages = QStackedWidget()
        self._words = QTimer(self)
        self._words.setInterval(WORDS_PASS)
        self._words.setSingleShot(True)
        self._words.timeout.connect(self._refresh_words)
        self._build()
        self._wire()
        self.set_state("idle")

    def _build(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(theme.GAP)
        line.addWidget(self.stages, 1)
        line.addWidget(self.lens_bar)
        line.addWidget(self.cards)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(*theme.PAGE, 0, theme.SPACE)
        column.setSpacing(theme.SPACE + 2)
        head, foot = _inset(), _inset()
        for part in (self.header, line, self.progress, self.results):
            head.addLayout(part) if isinstance(part, QHBoxLayout) else head.addWidget(part)
        foot.addWidget(self.log)
        column.addLayout(head)
        column.addWidget(self.board, 1)
        column.addLayout(foot)
        self._pages.addWidget(_empty(self.setup_requested.emit))
        self._pages.addWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)

    def _wire(self) -> None:
        self.header.pause_requested.connect(self.pause_requested)
        self.header.resume_requested.connect(self.resume_requested)
        self.header.stop_requested.connect(self.stop_requested)
        self.header.save_requested.connect(self.save_requested)
        self.results.student_requested.connect(self.save_student)
        self.student_file.said.connect(self.results.tell)
        self.results.preset_requested.connect(self.save_preset)
        self.results.folder_requested.connect(self._open_folder)
        self.results.continue_requested.connect(self._continue)
        self.results.try_requested.connect(self.try_student)
        self.follower.said.connect(self.receive)
        self.follower.alive.connect(self._enliven)
        self.follower.failed.connect(self._lose)
        self.lens.changed.connect(self._look_anew)
        self.board.arranged.connect(self._arranged)
        keys.offer(self)

    def has_run(self) -> bool:
        """Whether there is a run to look at."""
        return self.panels is not None

    def set_state(self, state: str) -> None:
        """What the trainer is doing; concerns the levers while its run is shown."""
        self._state = state
        self.header.set_live(state)
        self._set_movable()
        if state == "starting":
            self._begin(History())
            self.board.setFocus()
        self._refresh_words()

    def expect(self, title: str) -> None:
        """An experiment of this title was started, and has said nothing yet."""
        self.header.expect(title)

    def receive(self, event: events.Event) -> None:
        """One more event of the live run."""
        if isinstance(event, (events.RunStarted, events.Refused)):
            self._begin(History())
        self.history.take(event)
        if isinstance(event, events.RunStarted):
            self._lay()
        elif self.panels is not None:
            self.panels.concern(event)
        if isinstance(event, TURNS):
            self._refresh_words()
            if isinstance(event, events.RunEnded):
                self.redraw.at_once = True  # until another run begins, nothing trains beside
                self.notice.give(*ended(self.history), bad=event.outcome == "failed")
        elif not self._words.isActive():
            self._words.start()

    def show_run(self, path: Path) -> None:
        """Replay a stored run from its folder, and follow it where another process may go on with it. Raises RunError for a
        folder that is none."""
        folder = RunFolder.open(path)
        state = folder.state()
        tail = self._replay(path, alive=state == "running")
        if state != "done":
            self.follower.follow(folder, tail, alive=state == "running")

    def go_on(self, path: Path) -> None:
        """Replay a stored run that the trainer is about to continue; what it says next is received."""
        self._replay(path, alive=True)

    def _replay(self, path: Path, *, alive: bool) -> Tail:
        """Show what a run said so far; gives the end of its log, from which it can be followed."""
        tail, history = Tail(RunFolder.open(path).path), History(path)
        history.take_all(tail.so_far(), alive=alive)
        self._begin(history, at_once=not alive)
        self._lay()
        self._refresh_words()
        return tail

    def _enliven(self, alive: bool) -> None:
        """Somebody took up the followed run, or left it."""
        self.history.take_all((), alive=alive)
        self.redraw.at_once = not alive
        self._refresh_words()

    def _lose(self, sentence: str) -> None:
        """The followed run cannot be read any more: its log says so."""
        self.receive(events.Note(at=self.history.at, clock=self.history.clock, text=sentence, severity="error"))

    def _begin(self, history: History, *, at_once: bool = False) -> None:
        self.history = history
        self.follower.rest()
        self.redraw.at_once = at_once
        self.redraw.forget()
        self.board.clear()
        self.panels = None
        for part in (self.header, self.stages, self.log, self.results):
            part.show_history(history)

    def _lay(self) -> None:
        """Lay the cards that the run has declared."""
        self.panels = Panels(self.board, self.redraw, self.history, self.lens, self._dress)
        self.panels.findings.fix_requested.connect(self.fix_requested)
        self.panels.weights.moved.connect(self.weight_requested)
        self._set_movable()
        self.panels.mark_all()

    def _set_movable(self) -> None:
        """The weights can be moved while the trainer's run is the one that is shown."""
        if self.panels is not None:
            self.panels.weights.set_live(self._state in ("starting", "running", "paused"))

    def _arranged(self) -> None:
        """A person arranged the cards: remember it, and draw those that came into sight."""
        if self.panels is not None:
            self.panels.keep()

    def _dress(self, card: Card) -> None:
        taking.dress(card, self, self._name(), self.redraw.finish)

    def _name(self) -> str:
        return self.history.started.run if self.history.started else "run"

    def _look_anew(self) -> None:
        if self.panels is not None:
            self.panels.look_anew()

    def _refresh_words(self) -> None:
        history = self.history
        shown = history.state != "empty" or self._state != "idle"
        self._pages.setCurrentIndex(1 if shown else 0)
        self.header.refresh()
        self.stages.refresh()
        self.log.refresh()
        stage = history.current()
        self.progress.set_share(stage.share() if stage is not None and stage.state == "running" else 0.0)
        self.progress.setVisible(history.state in ("empty", "running", "paused"))
        self.results.show_history(history)

    def save_student(self) -> None:
        """Ask where, and write the student there, in the form that is asked for."""
        run = self.history.folder
        if run is None:
            return
        target = actions.ask_where(self, "Save student", f"{self._name()}{student_file.KEPT}", student_file.KINDS)
        if target is not None:
            self.student_file.write(run, target)

    def save_preset(self) -> None:
        """Ask where, and write the experiment there."""
        run = self.history.folder
        if run is not None:
            name = f"{self._name()}.yaml"
            written = actions.take_away(self, "Save preset", name, "YAML (*.yaml)", partial(actions.save_preset, run))
            if written is not None:
                self.results.tell(f"Written: {written}", "good")

    def try_student(self) -> None:
        """Show large the card on which the student of the run can be tried."""
        if self.panels is not None and self.board.large is not self.panels.trying:
            self.board.grow(self.panels.trying)

    def _open_folder(self) -> None:
        if self.history.folder is not None:
            actions.open_folder(self.history.folder)

    def _continue(self) -> None:
        if self.history.folder is not None:
            self.continue_requested.emit(self.history.folder)


def _inset() -> QVBoxLayout:
    """A column as wide as the cards: at its right is what the board has for its scroll bar."""
    made = QVBoxLayout()
    made.setContentsMargins(0, 0, RIGHT, 0)
    made.setSpacing(theme.SPACE + 2)
    return made


def _empty(set_up: Callable[[], None]) -> EmptyState:
    """What stands here before anything ran."""
    words = "Press Start on the Set up screen and watch the run here, or open an earlier one from Runs."
    button = TextButton("Set up an experiment", "primary", "setup")
    button.clicked.connect(lambda: set_up())
    return EmptyState("run", "Nothing runs yet", words, button, title="Run")
