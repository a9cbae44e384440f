"""Whether a window can be shown at all, asked before Qt is: where it cannot, Qt aborts instead of saying why."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Answers = Callable[[Mapping[str, str]], bool]
"""Whether the display that an environment names can be reached."""
VARIABLES = {"wayland": "WAYLAND_DISPLAY", "xcb": "DISPLAY"}
"""Qt's plugins that need a display, in Qt's order -> the variable that names it."""
PATIENCE = 2.0
"""Seconds in which a compositor of this machine must answer."""
XCB = {
    "libxcb.so.1": "libxcb1",
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


@dataclass(frozen=True)
class Found:
    """Qt's plugin for the display that was found, or why there is none."""

    plugin: str
    problem: str = ""


def loads(library: str) -> bool:
    """Whether the system has a shared library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def wayland_answers(environment: Mapping[str, str]) -> bool:
    """Whether a Wayland compositor listens where the environment says; an inherited connection counts as one."""
    if environment.get("WAYLAND_SOCKET"):
        return True
    path = Path(environment.get("XDG_RUNTIME_DIR", ""), environment.get("WAYLAND_DISPLAY") or "wayland-0")
    if not path.is_absolute():
        return False
    with socket.socket(socket.AF_UNIX) as tried:
        tried.settimeout(PATIENCE)
        try:
            tried.connect(str(path))
        except OSError:
            return False
    return True


def x_answers(environment: Mapping[str, str]) -> bool:
    """Whether an X server lets us in, asked as Qt asks. Without libxcb nobody can tell, and the library is named instead."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(os.fsencode(environment.get("DISPLAY", "")), None)
    try:
        return not xcb.xcb_connection_has_error(connection)
    finally:
        xcb.xcb_disconnect(connection)


def find(
    environment: Mapping[str, str] = os.environ, platform: str = sys.platform,
    wayland: Answers = wayland_answers, x: Answers = x_answers,
) -> Found:  # fmt: skip
    """The display to show a window on; other systems than Linux always have one."""
    named = environment.get("QT_QPA_PLATFORM", "")
    if not platform.startswith("linux"):
        return Found(named)
    if named:
        plugins = [choice.partition(":")[0] for choice in named.split(";")]
    else:
        plugins = [plugin for plugin, variable in VARIABLES.items() if environment.get(variable)]
    for plugin in plugins:
        kind = plugin.partition("-")[0]  # wayland-egl is Wayland, too
        if kind not in VARIABLES or (wayland if kind == "wayland" else x)(environment):
            return Found(named or plugin)
    tried = [f"{name}={environment[name]}" for name in (*VARIABLES.values(), "QT_QPA_PLATFORM") if environment.get(name)]
    if not tried:
        return Found("", "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set).")
    return Found("", f"there is no display that answers at {', '.join(tried)}. Is it left over from another session?")


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


def sentence(packages: tuple[str, ...], preset: str, problem: str = "") -> str:
    """Why there is no window, what to install, and how to go on in the terminal."""
    why = f"The window cannot be shown: {problem or 'libraries of the system are missing.'}"
    install = f"\nInstall what Qt needs:  sudo apt install {' '.join(packages)}" if packages else ""
    return f"{why}{install}\nOr run in the terminal:  kdstudio train {preset}"
