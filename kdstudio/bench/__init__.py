"""`kdstudio bench window`: what the window costs and how quick its screens are, each figure from a process of its own."""

from __future__ import annotations

import os
import sys

from engine.presets import Resolved


def main(resolved: Resolved) -> int:
    """Measure and print; the exit code says whether all of it is as asked."""
    from kdstudio.bench import live, screens

    around = environment()
    quick = screens.main(around)
    return 0 if live.main(resolved, around) and quick else 1


def environment() -> dict[str, str]:
    """The environment of the children: without a display they draw into memory."""
    found = dict(os.environ)
    if sys.platform.startswith("linux") and not (found.get("DISPLAY") or found.get("WAYLAND_DISPLAY")):
        found.setdefault("QT_QPA_PLATFORM", "offscreen")
    return found
