"""What can be done on the Run screen by a key or from the palette."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, get_args

from kdstudio import commands
from kdstudio.history.curve import XAxis

if TYPE_CHECKING:
    from kdstudio.screens.run.screen import RunScreen


def offer(screen: RunScreen) -> None:
    """Make the levers, the ways of looking and what can be taken away known."""
    header, results, log = screen.header, screen.results, screen.log
    commands.press(screen, header.pause, "Pause or resume the run", keys="Ctrl+P", icon="pause")
    commands.press(screen, header.stop, "Stop the run and leave a checkpoint", icon="stop")
    commands.press(screen, header.save, "Save a checkpoint now", icon="save")
    commands.press(screen, results.go_on, "Resume this run", icon="play")
    commands.press(screen, results.student, "Save the student of this run…", keys="Ctrl+E", icon="export")
    commands.press(screen, results.preset, "Save this run as a preset…", icon="file")
    commands.press(screen, results.folder, "Open the folder of this run", icon="folder")
    for axis in get_args(XAxis):
        words = "time" if axis == "time" else f"{axis}s"
        commands.offer(screen, f"Draw all curves over {words}", partial(screen.lens_bar.choose, axis), allowed=screen.has_run)
    commands.press(screen, screen.lens_bar.outliers, "Ignore outliers in all plots, or no longer")
    commands.offer(screen, "Lay the cards out as at first", screen.board.arrange_anew, allowed=screen.has_run)
    commands.press(screen, log.button, "Show or hide the log", keys="Ctrl+L")
    commands.offer(screen, "Search the log", log.seek, keys="Ctrl+F", icon="search", allowed=screen.has_run)
