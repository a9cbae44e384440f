"""Whether a window can be shown at all, asked before Qt is: where it cannot, Qt aborts instead of saying why."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Mapping

XCB = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libX11-xcb.so.1": "libx11-xcb1",
}
"""What Qt's plugin for X loads from the system -> the Debian package that brings it."""
QT = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
}
"""What Qt itself loads, whatever the plugin."""


def loads(library: str) -> bool:
    """Whether the system has a shared library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_display(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether there is no screen to show a window on; other systems than Linux always have one."""
    named = any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    return platform.startswith("linux") and not named


def missing_packages(
    environment: Mapping[str, str] = os.environ, platform: str = sys.platform, there: Callable[[str], bool] = loads
) -> tuple[str, ...]:
    """The packages of the system that Qt will not start without."""
    if not platform.startswith("linux"):
        return ()
    needed = dict(QT)
    if _uses_x(environment):
        needed |= XCB
    return tuple(sorted({package for library, package in needed.items() if not there(library)}))


def _uses_x(environment: Mapping[str, str]) -> bool:
    """Whether Qt will take its plugin for X: it does where no other is named and no Wayland is there."""
    named = environment.get("QT_QPA_PLATFORM", "")
    return named.startswith("xcb") or (not named and not environment.get("WAYLAND_DISPLAY"))


def sentence(packages: tuple[str, ...], preset: str, display: bool) -> str:
    """Why there is no window, what to install, and how to go on in the terminal."""
    why = "The window cannot be shown: libraries of the system are missing."
    if not display:
        why = "The window cannot be shown: there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)."
    install = f"\nInstall what Qt needs:  sudo apt install {' '.join(packages)}" if packages else ""
    return f"{why}{install}\nOr run in the terminal:  kdstudio train {preset}"
