"""Runs: every run of the folder; open, resume, clone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdstudio.entries import compare
from kdstudio.entries.entry import Entry

if TYPE_CHECKING:
    from kdstudio.screens.runs import RunsScreen
    from kdstudio.window import Window


def build(window: Window) -> RunsScreen:
    """The table of all runs."""
    from kdstudio.screens.runs import RunsScreen

    screen = RunsScreen(window.home)
    screen.open_requested.connect(window.open_run)
    screen.resume_requested.connect(window.resume_run)
    screen.clone_requested.connect(window.clone_run)
    screen.branch_requested.connect(window.clone_run)
    screen.setup_requested.connect(window.show_setup)
    screen.compare_requested.connect(lambda paths: compare.lay(window, paths))
    window.state_changed.connect(screen.set_trainer_state)
    screen.set_trainer_state(window.trainer.state)
    return screen


HELP = "Every run ever started here: open one, go on with one that was cut short, or put its settings into the form again."
ENTRY = Entry("runs", "Runs", "runs", build, HELP)
