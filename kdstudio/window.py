"""The window: the rail, the screens, and the wires between them. Screens are built when they are first shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSettings, QTimer
from PySide6.QtGui import QCloseEvent, QIcon
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QWidget

from engine.cards import place
from engine.presets import PresetError, Resolved
from kdstudio import asking, boxes, theme
from kdstudio.counting import Counting
from kdstudio.rail import Rail
from kdstudio.screens.setup import SetupScreen
from kdstudio.store import Store

if TYPE_CHECKING:
    from kdstudio.screens.run import RunScreen
    from kdstudio.screens.runs import RunsScreen
    from kdstudio.training import Trainer

EXPERIMENT = "experiment.yaml"
"""Where a run keeps what it ran."""


class Window(QMainWindow):
    """One window, one experiment in the form, at most one run at a time."""

    def __init__(self, store: Store, home: Path | None = None, trainer: Trainer | None = None) -> None:
        super().__init__()
        self.store = store
        self.counting = Counting(store, self)
        self._home = home
        self._trainer = trainer
        if trainer is not None:
            trainer.state_changed.connect(self._show_state)
        self.setWindowTitle("kdstudio")
        self.setWindowIcon(QIcon(str(place("assets") / "icons" / "kdstudio.svg")))
        self.setMinimumSize(theme.SPACE * 120, theme.SPACE * 75)
        self.rail = Rail()
        self.setup = SetupScreen(store)
        self._run: RunScreen | None = None
        self._past: RunScreen | None = None
        self._runs: RunsScreen | None = None
        self._leaving = ""
        self._lay_out()
        self._wire()
        self.counting.failed.connect(lambda said: asking.tell(self, "Nets could not be counted", said))
        self.show_setup()
        self.setup.area.setFocus()

    @property
    def home(self) -> Path:
        """Where the runs are."""
        if self._home is None:
            from engine import runs

            self._home = runs.home()
        return self._home

    @property
    def trainer(self) -> Trainer:
        """The thread that trains; made when it is first wanted."""
        if self._trainer is None:
            from kdstudio.training import Trainer

            self._trainer = Trainer(self)
            self._trainer.state_changed.connect(self._show_state)
        return self._trainer

    # Screens

    @property
    def run(self) -> RunScreen:
        """The screen of the run that goes on, or went on last."""
        if self._run is None:
            self._run = self._run_screen()
            self._run.pause_requested.connect(self.trainer.pause)
            self._run.resume_requested.connect(self.trainer.resume)
            self._run.stop_requested.connect(self.trainer.stop)
            self._run.save_requested.connect(self.trainer.save_now)
            self.trainer.said.connect(self._run.receive)
            self.trainer.state_changed.connect(self._run.set_state)
        return self._run

    @property
    def past(self) -> RunScreen:
        """The screen of a run that was opened from its folder, apart from the one that goes on."""
        if self._past is None:
            self._past = self._run_screen()
        return self._past

    @property
    def runs(self) -> RunsScreen:
        """The table of all runs."""
        if self._runs is None:
            from kdstudio.screens.runs import RunsScreen

            self._runs = RunsScreen(self.home)
            self._runs.open_requested.connect(self.open_run)
            self._runs.resume_requested.connect(self.resume_run)
            self._runs.clone_requested.connect(self.clone_run)
            self.trainer.state_changed.connect(self._runs.set_trainer_state)
            self._runs.set_trainer_state(self.trainer.state)
            self._screens.addWidget(self._runs)
        return self._runs

    def show_setup(self) -> None:
        """Go to the form."""
        self._show(self.setup, "setup")

    def show_run(self) -> None:
        """Go to the run."""
        self._show(self.run, "run")

    def show_runs(self) -> None:
        """Go to the table of runs."""
        self._show(self.runs, "runs")

    # What a person does

    def start(self, resolved: Resolved) -> None:
        """Start an experiment as it is now; the form is free for the next one."""
        if self._busy():
            return
        self.show_run()
        self.trainer.start(resolved, self.home)

    def open_run(self, path: Path) -> None:
        """Show a run from its folder, or the live screen where it is the one that goes on."""
        from engine import runs

        if self._is_live(path):
            self.show_run()
            return
        try:
            self.past.show_run(path)
        except runs.RunError as error:
            asking.tell(self, "This run cannot be opened", str(error))
            return
        self._show(self.past, "runs")

    def resume_run(self, path: Path) -> None:
        """Go on with a run that was stopped or interrupted."""
        from engine import runs

        if self._busy():
            return
        try:
            resolved = runs.RunFolder.open(path).experiment()
        except (runs.RunError, PresetError) as error:
            asking.tell(self, "This run cannot go on", str(error))
            return
        self.show_run()
        self.trainer.start(resolved, path.parent, path)  # repeats and teachers lie beside it
        self.run.go_on(path)

    def clone_run(self, path: Path, fix: Mapping[str, Any] | None = None) -> None:
        """Put what a run ran into the form, changed as a finding proposes."""
        try:
            self.store.open_preset(path / EXPERIMENT, fix)
        except PresetError as error:
            asking.tell(self, "This run's settings cannot be opened", str(error))
            return
        self.show_setup()
        if fix:
            self.setup.reveal(next(iter(fix)))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask first while something runs."""
        if not self._running():
            self.counting.end()
            QSettings().setValue("geometry", self.saveGeometry())
            event.accept()
            return
        event.ignore()
        if not self._leaving:
            self._ask_to_leave()

    def restore(self) -> None:
        """Take the size and the place of last time."""
        geometry = QSettings().value("geometry")
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            self.resize(theme.SPACE * 180, theme.SPACE * 112)

    # Inside

    def _run_screen(self) -> RunScreen:
        from kdstudio.screens.run import RunScreen

        screen = RunScreen()
        screen.setup_requested.connect(self.show_setup)
        screen.continue_requested.connect(self.resume_run)
        screen.fix_requested.connect(lambda fix: self._apply_fix(screen, fix))
        self._screens.addWidget(screen)
        return screen

    def _apply_fix(self, screen: RunScreen, fix: Mapping[str, Any]) -> None:
        if screen.history.folder is not None:
            self.clone_run(screen.history.folder, fix)

    def _is_live(self, path: Path) -> bool:
        live = self._run.history.folder if self._run is not None and self._running() else None
        return live is not None and live.resolve() == path.resolve()

    def _running(self) -> bool:
        return self._trainer is not None and self._trainer.state != "idle"

    def _busy(self) -> bool:
        """Whether a run goes on; then it is shown, with a sentence."""
        if not self._running():
            return False
        asking.tell(
            self, "A run is going on", "One run at a time: wait until it is over, or stop it first. It can go on later."
        )
        return True

    def _show(self, screen: QWidget, entry: str) -> None:
        self._screens.setCurrentWidget(screen)
        self.rail.show_chosen(entry)

    def _show_state(self, state: str) -> None:
        """Mark in the rail and beside Start what the trainer is doing; leave when that was promised."""
        tones = {"idle": "", "paused": "warning"}
        self.rail.items["run"].set_dot(tones.get(state, "good"))
        self.setup.plan.set_busy("" if state == "idle" else "A run is going on; Start waits until it is over.")
        if state == "idle" and self._leaving:
            QTimer.singleShot(0, self, self.close)

    def _ask_to_leave(self) -> None:
        asking.ask(
            self, "A run is going on",
            "Close when it is done, or stop it now? A stopped run leaves a checkpoint and can go on later.",
            [("Keep running", "quiet", self._stay), ("Close when done", "secondary", self._leave_when_done),
             ("Stop and close", "primary", self._leave_now)],
        )  # fmt: skip

    def _stay(self) -> None:
        self._leaving = ""

    def _leave_when_done(self) -> None:
        self._leaving = "when done"
        self.setWindowTitle("kdstudio: closes when the run is done")

    def _leave_now(self) -> None:
        self._leaving = "stopping"
        self.trainer.stop()

    def _wire(self) -> None:
        calls = {"setup": self.show_setup, "run": self.show_run, "runs": self.show_runs}
        self.rail.chosen.connect(lambda screen: calls[screen]())
        self.setup.start_requested.connect(self.start)

    def _lay_out(self) -> None:
        self._screens = QStackedWidget()
        self._screens.addWidget(self.setup)
        body = theme.set_role(QWidget(), "plain")
        row = boxes.row(0, body)
        row.addWidget(self.rail)
        row.addWidget(self._screens, 1)
        self.setCentralWidget(body)
