"""Run: the run that goes on, or went on last; and the same screen for a run that was opened from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from kdstudio.entries.entry import Entry

if TYPE_CHECKING:
    from kdstudio.queue.desk import Worker
    from kdstudio.screens.run import RunScreen
    from kdstudio.window import Window


def build(window: Window) -> RunScreen:
    """The live screen, with its levers on the trainer."""
    screen = wired(window, window.trainer)
    window.state_changed.connect(screen.set_state)
    return screen


def wired(window: Window, trainer: Worker) -> RunScreen:
    """A screen that follows whoever trains, with its levers on them."""
    screen = stored(window)
    screen.pause_requested.connect(trainer.pause)
    screen.resume_requested.connect(trainer.resume)
    screen.stop_requested.connect(trainer.stop)
    screen.save_requested.connect(trainer.save_now)
    screen.weight_requested.connect(trainer.move_weight)
    trainer.said.connect(screen.receive)
    if trainer is not window.trainer:
        trainer.state_changed.connect(screen.set_state)
    screen.set_state(trainer.state)
    return screen


def stored(window: Window) -> RunScreen:
    """A screen for a run from its folder."""
    from kdstudio.screens.run import RunScreen

    def mend(fix: Mapping[str, Any]) -> None:
        if screen.history.folder is not None:
            window.clone_run(screen.history.folder, fix)

    screen = RunScreen()
    screen.setup_requested.connect(window.show_setup)
    screen.continue_requested.connect(window.resume_run)
    screen.fix_requested.connect(mend)
    return screen


def load(window: Window) -> None:
    """Read the code that draws a run, beside the window's thread: the first Start would stand still for it, for a second or
    on a busy machine for several."""
    from kdstudio.background.chores import Chores

    Chores(window).do(lambda: import_module("kdstudio.screens.run"), lambda _: None)


HELP = "The run that goes on or went on last: its stages, its curves, and what it found. Pause, save or stop it here."
ENTRY = Entry("run", "Run", "run", build, HELP)
