"""Set up: starts experiments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine import presets
from kdstudio.background.chores import Chores
from kdstudio.dropping import Dropping
from kdstudio.entries.entry import Entry
from kdstudio.screens.setup import SetupScreen

if TYPE_CHECKING:
    from kdstudio.window import Window


def build(window: Window) -> SetupScreen:
    """The form over the window's store; files dropped anywhere in the window go into it."""
    screen = SetupScreen(window.store)
    screen.start_requested.connect(window.start)
    screen.sweep_requested.connect(window.lineup.sweep)

    def take(path: Path) -> None:
        window.show_setup()
        screen.taking.take(path)

    Dropping(window, take)
    return screen


def load(window: Window) -> None:
    """Read all presets, beside the window's thread: they are remembered, and the first list of them opens at once."""
    Chores(window).do(lambda: presets.gists(presets.names()), lambda _: None)


HELP = "Choose images, teacher, student and methods, change their settings, and start. The plan says what they come to."
ENTRY = Entry("setup", "Set up", "setup", build, HELP)
