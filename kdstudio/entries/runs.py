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


LATER = 1500
"""Milliseconds after the window is seen at which the runs are looked through: nobody waits for it."""


def look(window: Window) -> None:
    """Mark Runs in the rail where a run was cut short; what is on the disk is read beside the window's thread."""
    from engine import runs
    from kdstudio.background.chores import Chores
    from kdstudio.screens.runs import cut_short

    def mark(rows: list[runs.RunRow]) -> None:
        if cut_short.among(rows) and "runs" not in window.built():
            item = window.rail.items["runs"]
            item.set_dot("warning")
            item.clicked.connect(lambda: item.set_dot(""))

    Chores(window).do(lambda: runs.listing(window.home), mark)


HELP = "Every run ever started here: open one, go on with one that was cut short, or put its settings into the form again."
ENTRY = Entry("runs", "Runs", "runs", build, HELP)
