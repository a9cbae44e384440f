"""The menus of the Queue screen: what can be done with an entry, and which further devices are used."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, SignalInstance
from PySide6.QtWidgets import QMenu, QWidget

from engine.queue import Entry
from kdstudio.queue.devices import Devices
from kdstudio.queue.queueing import Queue
from kdstudio.screens.queue.model import movable

FOLLOWING = (
    ("Distil from its student in Set up", "distil"),
    ("Start from its student in Set up", "start"),
    ("Quantize its student in Set up", "quantize"),
)
"""Words, and what is to follow on an entry."""


def of_entry(parent: QWidget, queue: Queue, entry: Entry, follow: SignalInstance, export: Callable[[str], None]) -> QMenu:
    """What can be done with an entry; `follow` is told what is to follow on it, `export` asks where its student goes."""
    made, key, trains = _menu(parent), entry.key, entry.what == "train"
    now = entry.state == "waiting" and trains and queue.desks[""].free
    made.addAction("Run it now", lambda: queue.run_now(key)).setEnabled(now)
    words = "Run it again" if entry.state == "done" else "Go on with it" if entry.runs else "Try it again"
    made.addAction(words, lambda: queue.again(key)).setEnabled(entry.over)
    made.addAction("To the front", lambda: queue.place([key], 0)).setEnabled(movable(entry))
    made.addSeparator()
    for words, what in FOLLOWING:
        made.addAction(words, partial(follow.emit, key, what)).setEnabled(trains)
    made.addAction("Export its student when it is done…", lambda: export(key)).setEnabled(trains)
    return made


def of_devices(parent: QWidget, devices: Devices, use: Callable[[str], None]) -> QMenu:
    """Further devices, ticked where entries run on them; `use` turns one on or off."""
    made = _menu(parent)
    for device in devices.known:
        words = f"Train also on {device.key} ({device.title}, {device.memory / 2**30:.0f} GiB)"
        action = made.addAction(words, partial(use, device.key))
        action.setCheckable(True)
        action.setChecked(devices.used(device.key))
    return made


def _menu(parent: QWidget) -> QMenu:
    made = QMenu(parent)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return made
