"""Queue: what runs, what waits, and what follows on what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdstudio.entries.entry import Entry

if TYPE_CHECKING:
    from kdstudio.screens.queue import QueueScreen
    from kdstudio.window import Window


def build(window: Window) -> QueueScreen:
    """The queue of the window's folder of runs."""
    from kdstudio.screens.queue import QueueScreen

    lineup = window.lineup
    screen = QueueScreen(lineup.queue, lineup.devices)
    screen.setup_requested.connect(window.show_setup)
    screen.edit_requested.connect(lineup.edit)
    screen.watch_requested.connect(lineup.watch)
    screen.controls_requested.connect(lineup.controls)
    screen.follow_requested.connect(lineup.follow)
    window.state_changed.connect(lambda _: screen.refresh())
    return screen


HELP = (
    "What runs and what waits, in order. Move entries by dragging, or with Alt and the arrow keys; edit one in Set up; let "
    "another go on from its student; queue its controls on the same seeds."
)
ENTRY = Entry("queue", "Queue", "queue", build, HELP)
