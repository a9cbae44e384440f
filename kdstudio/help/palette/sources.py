"""Where the palette's hits come from: the screens, the commands of the window, the settings, the methods; and, read beside the
window's thread, the presets and the runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine import presets, runs
from kdstudio import commands, settings_index
from kdstudio.entries import ENTRIES
from kdstudio.help.palette.hits import Hit
from kdstudio.number_fields import in_words

if TYPE_CHECKING:
    from kdstudio.window import Window


def screens(window: Window) -> list[Hit]:
    """Every screen of the rail."""
    ways = window.rail.ways
    return [
        Hit("Screen", entry.words, partial(window.go, entry.key), entry.help, entry.icon, ways[entry.key].keys())
        for entry in ENTRIES
    ]


def actions(window: Window) -> list[Hit]:
    """What can be done now on the screens that were made so far; those of the one that is shown come first."""
    here = [c for c in commands.found(window) if c.allowed() and c.owner is not window.rail]
    here.sort(key=lambda command: not command.owner.isVisible())
    return [_action(window, command) for command in here]


def _action(window: Window, command: commands.Command) -> Hit:
    def act() -> None:
        window.come_to(command.owner)
        command.do()

    return Hit("Action", command.text(), act, window.words_of(command.owner), command.icon_name, command.keys())


def settings(window: Window) -> list[Hit]:
    """Every setting, by what a person calls it, with its present value; those of methods outside the stack add them."""
    return [_setting(window, setting) for setting in settings_index.settings(window.store)]


def _setting(window: Window, setting: settings_index.Setting) -> Hit:
    def act() -> None:
        window.show_setup()
        if not setting.stacked:
            window.store.add_method(setting.prefix.partition(".")[2])
        window.setup.reveal(setting.path)

    value = in_words(window.store.value(setting.path)) if setting.stacked else "adds the method"
    words = f"{setting.section}: {setting.spec.label()}"
    return Hit("Setting", words, act, value, "setup", also=f"{setting.path} {setting.spec.help}")


def methods(window: Window) -> list[Hit]:
    """Methods that can be put into the stack."""

    def add(key: str) -> None:
        window.show_setup()
        window.store.add_method(key)
        window.setup.reveal(f"methods.{key}")

    offered = {key: card for key, card in window.store.catalogue.methods.items() if key not in window.store.stack()}
    return [
        Hit("Method", f"Add {card.title}", partial(add, key), card.summary, "method", also=card.paper)
        for key, card in offered.items()
    ]  # fmt: skip


NEAR: tuple[Callable[[Window], list[Hit]], ...] = (screens, actions, settings, methods)
"""Sources that are at hand; in the order in which equally good hits are shown."""


class Far(NamedTuple):
    """What has to be read."""

    presets: tuple[presets.PresetName, ...]
    runs: tuple[runs.RunRow, ...]


def gather(home: Path) -> Far:
    """Read the titles of the presets and the list of runs; a folder of runs that cannot be read has none."""
    named = tuple(preset for preset in presets.names() if preset.kind == "experiments" and not preset.problem)
    try:
        return Far(named, tuple(runs.listing(home)))
    except OSError:
        return Far(named, ())


def of_presets(window: Window, named: tuple[presets.PresetName, ...]) -> list[Hit]:
    """Experiments to open in the form."""

    def open_preset(name: str) -> None:
        window.show_setup()
        window.setup.header.open_preset(name)

    return [Hit("Preset", p.title, partial(open_preset, p.name), p.name, "file") for p in named]


def of_runs(window: Window, rows: tuple[runs.RunRow, ...]) -> list[Hit]:
    """Runs to open, newest first."""
    return [
        Hit("Run", row.title or row.name, partial(window.open_run, row.path), f"{row.name} · {row.state}", "run",
            also=f"{row.dataset} {row.student} {row.teacher} {' '.join(row.methods)} {' '.join(row.tags)} {row.note}")
        for row in rows
    ]  # fmt: skip
