"""What tests of plots look at: recorded runs as histories, and the Run screen alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot
from recorded import Recipe, record

from kdstudio.history import History
from kdstudio.screens.run import RunScreen

Show = Callable[..., Any]
"""The fixture `show`: takes a card, and a `width` and a `height` in pixels."""


def replayed(home: Path, recipe: Recipe, *, alive: bool = False) -> History:
    """The history of a recorded run; `alive`: as if its process still ran."""
    folder, said = record(home, recipe)
    history = History(folder.path)
    history.take_all(said, alive=alive)
    return history


def run_screen(qtbot: QtBot) -> RunScreen:
    """The Run screen without a run, as large as it is in a window of 1280 x 800 pixels."""
    made = RunScreen()
    qtbot.addWidget(made)
    made.resize(1192, 800)
    made.show()
    return made
