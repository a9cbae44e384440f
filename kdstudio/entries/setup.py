"""Set up: starts experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdstudio.entries.entry import Entry
from kdstudio.screens.setup import SetupScreen

if TYPE_CHECKING:
    from kdstudio.window import Window

BUSY = "A run is going on; Start waits until it is over."


def build(window: Window) -> SetupScreen:
    """The form over the window's store."""
    screen = SetupScreen(window.store)
    screen.start_requested.connect(window.start)
    window.state_changed.connect(lambda state: screen.plan.set_busy("" if state == "idle" else BUSY))
    return screen


HELP = "Choose images, teacher, student and methods, change their settings, and start. The plan at the right says what it comes to."
ENTRY = Entry("setup", "Set up", "setup", build, HELP)
