"""The window: the rail, the screens of `entries`, and what a person does that concerns more than one of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QByteArray, QSettings, Signal
from PySide6.QtGui import QCloseEvent, QIcon
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QWidget

from engine.presets import PresetError, Resolved
from engine.shipped import place
from kdstudio import theme
from kdstudio.background.counting import Counting
from kdstudio.entries import ENTRIES, Entry
from kdstudio.help.guide import Guide
from kdstudio.leaving import Leaving
from kdstudio.queue.lineup import Lineup
from kdstudio.rail import Rail
from kdstudio.store import Store
from kdstudio.widgets import asking, boxes, tabbing

if TYPE_CHECKING:
    from kdstudio.background.training import Trainer
    from kdstudio.screens.run import RunScreen
    from kdstudio.screens.runs import RunsScreen
    from kdstudio.screens.setup import SetupScreen

EXPERIMENT = "experiment.yaml"
"""Where a run keeps what it ran."""


class Window(QMainWindow):
    """One window, one experiment in the form, at most one run at a time. Screens are built when they are first shown."""

    state_changed = Signal(str)
    """What the trainer does now: idle, starting, running, paused, stopping."""
    closing = Signal()
    """The window closes for good: what screens still have under way ends."""

    def __init__(self, store: Store, home: Path | None = None, trainer: Trainer | None = None) -> None:
        super().__init__()
        self.store = store
        self.counting = Counting(store, self)
        self.state_changed.connect(self._show_state)
        self._home = home
        self._trainer: Trainer | None = None
        if trainer is not None:
            self._employ(trainer)
        self.lineup = Lineup(self)
        self._leaving = Leaving(self, self.lineup)
        self.lineup.settled.connect(self._leaving.idle)
        self._built: dict[str, QWidget] = {}
        self._past: RunScreen | None = None
        self._lay_out()
        self.guide = Guide(self)
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
            from kdstudio.background.training import Trainer

            self._employ(Trainer(self))
        return cast("Trainer", self._trainer)

    # Screens

    def page(self, key: str) -> QWidget:
        """The screen with this key in `ENTRIES`; made and wired when it is first wanted. Raises KeyError."""
        if key not in self._built:
            self._built[key] = {entry.key: entry for entry in ENTRIES}[key].build(self)
            self._screens.addWidget(self._built[key])
        return self._built[key]

    def built(self) -> tuple[str, ...]:
        """The keys of the screens that were made so far."""
        return tuple(self._built)

    def go(self, key: str) -> None:
        """Show a screen."""
        self._show(self.page(key), key)

    def page_of(self, widget: QWidget) -> str:
        """The key of the screen that a widget is on; empty for one of the window itself."""
        here = (key for key, page in self._built.items() if page is widget or page.isAncestorOf(widget))
        return next(here, "" if self._apart(widget) is None else "run")

    def words_of(self, widget: QWidget) -> str:
        """What the rail calls the screen that a widget is on; empty for one of the window itself."""
        return next((entry.words for entry in ENTRIES if entry.key == self.page_of(widget)), "")

    def come_to(self, widget: QWidget) -> None:
        """Show the screen that a widget is on, where it is on one."""
        apart = self._apart(widget)
        if apart is not None:
            self._show(apart, "runs" if apart is self._past else "run")
        elif self.page_of(widget):
            self.go(self.page_of(widget))

    def entry(self) -> Entry:
        """What is known of the screen that is shown."""
        key = self.page_of(cast("QWidget", self._screens.currentWidget()))  # there is always one
        return next(entry for entry in ENTRIES if entry.key == key)

    @property
    def setup(self) -> SetupScreen:
        """The form."""
        return cast("SetupScreen", self.page("setup"))

    @property
    def run(self) -> RunScreen:
        """The screen of the run that goes on, or went on last."""
        return cast("RunScreen", self.page("run"))

    @property
    def past(self) -> RunScreen:
        """The screen of a run that was opened from its folder, apart from the one that goes on."""
        if self._past is None:
            from kdstudio.entries.run import stored

            self._past = stored(self)
            self._screens.addWidget(self._past)
        return self._past

    @property
    def runs(self) -> RunsScreen:
        """The table of all runs."""
        return cast("RunsScreen", self.page("runs"))

    def show_setup(self) -> None:
        """Go to the form."""
        self.go("setup")

    def show_run(self) -> None:
        """Go to the run."""
        self.go("run")

    def show_runs(self) -> None:
        """Go to the table of runs."""
        self.go("runs")

    def show_beside(self, screen: QWidget) -> None:
        """Go to the run on a further device."""
        self._screens.addWidget(screen)
        self._show(screen, "run")

    # What a person does

    def start(self, resolved: Resolved) -> None:
        """Start an experiment as it is now, or queue it where one runs; the form is free for the next one."""
        self.lineup.start(resolved)

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
        """Go on with a run that was stopped or interrupted, in its turn where another one runs."""
        from engine import runs

        try:
            resolved = runs.RunFolder.open(path).experiment()
        except (runs.RunError, PresetError) as error:
            asking.tell(self, "This run cannot go on", str(error))
            return
        self.lineup.resume(path, resolved)

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

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes as one reads."""
        return tabbing.step(self, forward=forward)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask first while something runs."""
        if self._running():
            event.ignore()
            self._leaving.ask()
            return
        self.counting.end()
        self.lineup.close()
        self.closing.emit()
        QSettings().setValue("geometry", self.saveGeometry())
        event.accept()

    def restore(self) -> None:
        """Take the size and the place of last time."""
        geometry = QSettings().value("geometry")
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            self.resize(theme.SPACE * 180, theme.SPACE * 112)

    # Inside

    def _employ(self, trainer: Trainer) -> None:
        self._trainer = trainer
        trainer.state_changed.connect(self.state_changed)

    def _apart(self, widget: QWidget) -> QWidget | None:
        """The screen beside those of the rail that a widget is on: that of a stored run, or of one on a further device."""
        pages = [page for n in range(self._screens.count()) if (page := self._screens.widget(n)) is not None]
        apart = (page for page in pages if page not in self._built.values())
        return next((page for page in apart if page is widget or page.isAncestorOf(widget)), None)

    def _is_live(self, path: Path) -> bool:
        live = self.run.history.folder if "run" in self._built and self._running() else None
        return live is not None and live.resolve() == path.resolve()

    def _running(self) -> bool:
        return (self._trainer is not None and self._trainer.state != "idle") or self.lineup.runs()

    def _show(self, screen: QWidget, key: str) -> None:
        self._screens.setCurrentWidget(screen)
        self.rail.show_chosen(key)

    def _show_state(self, state: str) -> None:
        """Mark in the rail what the trainer is doing; leave when that was promised."""
        tones = {"idle": "", "paused": "warning"}
        self.rail.items["run"].set_dot(tones.get(state, "good"))
        if state == "idle" and not self.lineup.runs():
            self._leaving.idle()

    def _lay_out(self) -> None:
        self.setWindowTitle("kdstudio")
        self.setWindowIcon(QIcon(str(place("assets") / "icons" / "kdstudio.svg")))
        self.setMinimumSize(*theme.LEAST)
        self.rail: Rail = Rail([(entry.key, entry.words, entry.icon) for entry in ENTRIES])
        self.rail.chosen.connect(self.go)
        self._screens = QStackedWidget()
        body = theme.set_role(QWidget(), "plain")
        row = boxes.row(0, body)
        row.addWidget(self.rail)
        shown = boxes.column(0)
        shown.addWidget(self.lineup.banner)
        shown.addWidget(self._screens, 1)
        row.addLayout(shown, 1)
        self.setCentralWidget(body)
