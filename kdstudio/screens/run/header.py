"""The head of the Run screen: what runs, how far it is, and the levers."""

from __future__ import annotations

from time import time

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from kdstudio import theme
from kdstudio.charts.steady import Elided, Steady
from kdstudio.history import History, State
from kdstudio.history.journal import amount
from kdstudio.quantities import seconds
from kdstudio.widgets.icons import TextButton

WORDS: dict[State, tuple[str, str]] = {
    "empty": ("", ""),
    "running": ("running", "accent"),
    "paused": ("paused", "warning"),
    "done": ("done", "good"),
    "stopped": ("stopped", "warning"),
    "failed": ("failed", "problem"),
    "refused": ("refused", "problem"),
    "interrupted": ("interrupted", "warning"),
}
"""State -> its word and the tone of its chip."""

STARTING = ("starting", "accent")
WAITS = "Getting ready; the first start takes some seconds more, for torch has to be loaded"
"""What is said of a run that has said nothing yet."""


class Header(QWidget):
    """Title and state, progress in words, Pause, Stop, Save now. The signals are the buttons."""

    pause_requested = Signal()
    resume_requested = Signal()
    stop_requested = Signal()
    save_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._history = History()
        self._live = False
        self._awaited = ""
        self.title = Elided(size=22, tone="text", bold=True)
        self.about = Elided()
        self.chip = theme.set_role(QLabel(), "chip")
        self.progress = Steady("epoch 00,000 / 00,000", "text")
        self.left = Steady("0:00:00 elapsed · 0:00:00 left")
        self.pause = TextButton("Pause", "secondary", "pause")
        self.stop = TextButton("Stop", "danger", "stop")
        self.save = TextButton("Save now", "secondary", "save")
        self._clock = QTimer(self)
        self._clock.setInterval(500)
        self._clock.timeout.connect(self.refresh)
        self._build()

    def _build(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        first = QHBoxLayout()
        first.setSpacing(theme.SPACE)
        first.addWidget(self.title, 1)
        words.addLayout(first)
        second = QHBoxLayout()
        second.setSpacing(theme.SPACE)
        second.addWidget(self.chip)
        second.addWidget(self.about, 1)
        words.addLayout(second)
        times = QVBoxLayout()
        times.setSpacing(2)
        for words_of in (self.progress, self.left):
            times.addWidget(words_of, 0, Qt.AlignmentFlag.AlignRight)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP)
        row.addLayout(words, 1)
        row.addLayout(times)
        width = max(b.sizeHint().width() for b in (self.pause, TextButton("Resume", "primary", "play")))
        self.pause.setFixedWidth(width)  # it becomes Resume: the others stay where they are
        for button in (self.pause, self.stop, self.save):
            row.addWidget(button)
        self.pause.setToolTip("Wait before the next step; everything stays in memory")
        self.stop.setToolTip("End after this step and leave a checkpoint from which the run can go on")
        self.save.setToolTip("Write a checkpoint after this step")
        self.pause.clicked.connect(self._pause_or_resume)
        self.stop.clicked.connect(self._stop)
        self.save.clicked.connect(self.save_requested)

    def show_history(self, history: History) -> None:
        """Speak of this run from now on."""
        self._history = history
        self.refresh()

    def expect(self, title: str) -> None:
        """What is called so is about to run: until it says something itself, this is what is known."""
        self._awaited = title
        self.refresh()

    def set_live(self, state: str) -> None:
        """What the trainer is doing: idle, starting, running, paused or stopping."""
        self._live = state != "idle"
        paused, busy = state == "paused", state in ("running", "paused")
        self.pause.setText("Resume" if paused else "Pause")
        self.pause.set_icon("play" if paused else "pause")
        self.pause.setEnabled(busy)
        self.stop.setText("Stopping" if state == "stopping" else "Stop")
        self.stop.setEnabled(busy or state == "starting")
        self.save.setEnabled(state == "running")
        for button in (self.pause, self.stop, self.save):
            button.setVisible(self._live)
        if self._live:
            self._clock.start()
        else:
            self._clock.stop()
        self.refresh()

    def _pause_or_resume(self) -> None:
        (self.resume_requested if self.pause.text() == "Resume" else self.pause_requested).emit()

    def _stop(self) -> None:
        self.stop.setEnabled(False)
        self.stop_requested.emit()

    def refresh(self) -> None:
        """Write what is known now."""
        history = self._history
        waits = self._live and history.state == "empty"
        self.title.set_text(history.title if history.started else self._awaited or history.title)
        self.about.set_text(WAITS if waits else about(history))
        word, tone = STARTING if waits else WORDS[history.state]
        self.chip.setText(word)
        self.chip.setVisible(bool(word))
        if self.chip.property("tone") != tone:
            self.chip.setProperty("tone", tone)
            theme.restyle(self.chip)
        self.progress.set_text(progress(history))
        self.left.set_text(time_left(history, self._gone()))

    def _gone(self) -> float:
        """Seconds of running so far, going on between two events while the run does."""
        history = self._history
        if self._live and history.state == "running" and history.at:
            return history.clock + max(0.0, min(time() - history.at, 3600.0))
        return history.clock


def about(history: History) -> str:
    """Which run this is, in a line."""
    started = history.started
    if started is None:
        return ""
    plan = started.plan
    parts = [f"seed {started.seed}"]
    if started.repeats > 1:
        parts.append(f"repeat {started.repeat + 1} of {started.repeats}")
    parts += [str(plan[k]) for k in ("dataset",) if plan.get(k)]
    nets = [str(plan[k]) for k in ("teacher", "student") if plan.get(k) and plan[k] != "none"]
    parts += [" → ".join(nets)] if nets else []
    methods = plan.get("methods")
    parts += [" + ".join(methods) or "labels alone"] if methods is not None else []
    parent = plan.get("parent") or {}
    parts += [f"from {parent['run']} ({parent['checkpoint']})"] if parent else []
    return " · ".join([*parts, started.run])


def ended(history: History) -> tuple[str, str]:
    """What is told of a run that is over to a person who looks elsewhere: a heading and a sentence."""
    word, _ = WORDS[history.state]
    return f"{history.title}: {word}", history.ended.sentence if history.ended else ""


def progress(history: History) -> str:
    """The epoch of the present stage, or how far its download is; nothing where a stage has neither."""
    stage = history.current()
    if stage is not None and stage.progress is not None and stage.state == "running":
        return amount(stage.progress)
    if stage is None or not stage.epochs:
        return stage.title if stage is not None and history.state in ("running", "paused") else ""
    return f"epoch {max(stage.epoch, 1)} / {stage.epochs}"


def time_left(history: History, gone: float) -> str:
    """Running time so far, and what the present stage still takes by its own pace, pauses not counted; after its last step
    there may be images to evaluate, of which no pace is known."""
    if history.started is None:
        return ""
    stage = history.current()
    left = stage.left() if stage and history.state in ("running", "paused") else None
    if left is None:
        return f"{seconds(gone)} elapsed"
    return f"{seconds(gone)} elapsed · " + (f"{seconds(left)} left" if left > 0 else "finishing")
