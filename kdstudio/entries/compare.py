"""Compare: several runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from kdstudio.entries.entry import Entry

if TYPE_CHECKING:
    from kdstudio.screens.compare import CompareScreen
    from kdstudio.window import Window


def build(window: Window) -> CompareScreen:
    """The screen over the window's runs."""
    from kdstudio.screens.compare import CompareScreen

    return CompareScreen(window.home)


def lay(window: Window, paths: list[Path]) -> None:
    """Lay runs side by side and go there."""
    cast("CompareScreen", window.page("compare")).compare(paths)
    window.go("compare")


HELP = (
    "Two to twenty runs side by side: every plot overlaid, settings, results beside a pinned baseline, accuracy against cost, "
    "matrices and their difference; saved, and taken away as a report."
)
ENTRY = Entry("compare", "Compare", "compare", build, HELP)
