"""Library: everything there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.presets import PresetError
from kdstudio.entries.entry import Entry
from kdstudio.widgets import asking

if TYPE_CHECKING:
    from kdstudio.screens.library import LibraryScreen
    from kdstudio.window import Window

HELP = "Methods with their losses and papers, nets, datasets, teachers and presets: what is known of each, and a way to use it."


def build(window: Window) -> LibraryScreen:
    """The library over the window's store; what is chosen there goes into the form."""
    from kdstudio.screens.library import LibraryScreen

    screen = LibraryScreen(window.store, window.home)

    def open_preset(name: str) -> None:
        try:
            window.store.open_preset(name)
        except PresetError as error:
            asking.tell(window, "This preset cannot be opened", str(error))
            return
        window.show_setup()

    def choose(values: dict[str, Any], path: str) -> None:
        window.store.set_values(values)
        window.show_setup()
        window.setup.reveal(path)

    def stack(key: str) -> None:
        window.store.add_method(key)
        window.show_setup()
        window.setup.reveal(f"methods.{key}")

    screen.opened.connect(open_preset)
    screen.chosen.connect(choose)
    screen.stacked.connect(stack)
    screen.looked.connect(window.counting.look_at_plugins)
    window.closing.connect(screen.end)
    return screen


ENTRY = Entry("library", "Library", "library", build, HELP)
