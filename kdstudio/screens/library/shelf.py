"""One shelf of the library: things of a kind, listed, and a page about each."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from kdstudio.store import Store


@dataclass(frozen=True)
class Item:
    """One thing in the list: its key, its title, a line about it, the group it stands in, and a word on a chip whose `tone` is
    that of `texts.chip`. `search` is what else it is found by."""

    key: str
    title: str
    gist: str = ""
    group: str = ""
    tag: str = ""
    tone: str = ""
    search: str = ""


class Shelf(QObject):
    """Lists its items and makes their pages. `changed`: the list is another; `turned`: the page of this key says more by now;
    `failed`: the sentence of what could not be read.

    What a page's buttons ask for: `opened` a preset by its name, `chosen` settings of the form (by dotted path) and the one to
    go to, `stacked` a method for the stack.
    """

    title = ""
    icon = ""
    nothing = "Nothing is here yet."

    changed = Signal()
    failed = Signal(str)
    turned = Signal(str)
    opened = Signal(str)
    chosen = Signal(dict, str)
    stacked = Signal(str)

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = store

    def items(self) -> list[Item]:
        """What is on the shelf now, group by group."""
        raise NotImplementedError

    def page(self, key: str) -> QWidget:
        """All about one thing. Raises KeyError where it is gone."""
        raise NotImplementedError

    def tools(self) -> list[QWidget]:
        """Buttons of the whole shelf, made once."""
        return []

    def refresh(self) -> None:
        """Look again at what may have changed elsewhere; `changed` follows where it has."""

    def end(self) -> None:
        """Stop what is under way."""
