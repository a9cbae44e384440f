"""What the window knows of a screen before it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from kdstudio.window import Window


@dataclass(frozen=True)
class Entry:
    """A screen: its key, its word in the rail, its icon, and what makes it and wires it when it is first wanted.

    `build` may reach other screens only through the window (`window.go(key)`, `window.page(key)`), imports its screen
    itself where that is slow to load, and hears what the trainer does from `window.state_changed`.
    """

    key: str
    words: str
    icon: str
    build: Callable[[Window], QWidget]
    help: str = ""
    """What the screen is for, in a sentence or two: in the palette, and behind F1 where nothing more is known."""
