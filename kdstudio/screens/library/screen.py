"""The Library screen: shelves to choose from above, a list at the left, a page about the chosen thing at the right."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QLineEdit, QScrollArea, QStackedWidget, QToolButton, QWidget

from engine.presets import PresetError, own
from engine.presets.own import Discarded
from kdstudio import bringing, commands, theme
from kdstudio.screens.library.datasets import DatasetShelf
from kdstudio.screens.library.listing import ItemList
from kdstudio.screens.library.methods import MethodShelf
from kdstudio.screens.library.nets import NetShelf
from kdstudio.screens.library.presets import PresetShelf
from kdstudio.screens.library.shelf import Shelf
from kdstudio.screens.library.teachers import TeacherShelf
from kdstudio.store import Store
from kdstudio.widgets import boxes
from kdstudio.widgets.asking import tell
from kdstudio.widgets.empty import EmptyState
from kdstudio.widgets.icons import TextButton
from kdstudio.widgets.texts import label

WIDE = theme.SPACE * 40
"""Width of the list."""
AGAIN = 2000
"""Milliseconds after which files that may have changed are looked at again while the library is seen."""


class LibraryScreen(QWidget):
    """`opened` asks for a preset in the form, `chosen` for settings in it (by dotted path) and the one to go to, `stacked` for
    a method in the stack; `looked` says that the person looks, so that plug-ins are read anew."""

    opened = Signal(str)
    chosen = Signal(dict, str)
    stacked = Signal(str)
    looked = Signal()

    def __init__(self, store: Store, home: Path) -> None:
        super().__init__()
        self.store = store
        self.presets = PresetShelf(store, self)
        self.shelves: dict[str, Shelf] = {
            "methods": MethodShelf(store, self), "nets": NetShelf(store, self), "datasets": DatasetShelf(store, self),
            "teachers": TeacherShelf(store, home, self), "presets": self.presets,
        }  # fmt: skip
        self.shown = "methods"
        self._keys: dict[str, str] = {}
        self._current = ""
        self._gone: Discarded | None = None
        self._seen = store.catalogue
        self._again = QTimer(self)
        self._again.setInterval(AGAIN)
        self._lay_out()
        self._wire()
        self._offer()
        self._turn_to("methods")

    # What a person does

    def show_shelf(self, name: str, key: str = "") -> None:
        """Go to a shelf, and to a thing on it."""
        self.search.clear()
        self.tabs[name].setChecked(True)
        self._turn_to(name, key)

    def import_file(self) -> None:
        """Ask for a file and make a preset of it."""
        bringing.ask(self, self.store.catalogue, self.show_imported)

    def bring(self, path: Path) -> bool:
        """Make a preset of a file."""
        return bringing.bring(self, path, self.store.catalogue, self.show_imported)

    def show_imported(self, name: str) -> None:
        """Go to a preset that is there now."""
        self._keys["presets"] = name
        self.presets.refresh()
        self.show_shelf("presets", name)

    def undo_discard(self) -> None:
        """Take the preset that was thrown away last out of the bin."""
        if self._gone is None:
            return
        gone, self._gone = self._gone, None
        self.banner.hide()
        try:
            own.restore(gone)
        except (PresetError, OSError) as error:
            tell(self.window(), "This preset cannot be put back", str(error))
            return
        self.show_imported(gone.name)

    def end(self) -> None:
        """Stop what is under way: for the end of the program."""
        for shelf in self.shelves.values():
            shelf.end()

    # Inside

    @property
    def shelf(self) -> Shelf:
        """The shelf that is shown."""
        return self.shelves[self.shown]

    def _turn_to(self, name: str, key: str = "") -> None:
        self.shown = name
        if key:
            self._keys[name] = key
        for each, tools in self._tools.items():
            for tool in tools:
                tool.setVisible(each == name)
        self.search.setPlaceholderText(f"Search {self.shelf.title.lower()}")
        self.shelf.refresh()
        self._list()

    def _list(self) -> None:
        items = self.shelf.items()
        self._heads()
        chosen = self._keys.get(self.shown, "")
        self.list.show_items(items, self.search.text(), chosen)
        keys = self.list.keys()
        self._stack.setCurrentIndex(0 if keys else 1)
        current = chosen if chosen in keys else keys[0] if keys else ""
        self._show(current)

    def _heads(self) -> None:
        """What each shelf is called, with how much is on it."""
        for name, tab in self.tabs.items():
            count = len(self.shelves[name].items())
            tab.setText(f"{self.shelves[name].title}  {count}" if count else self.shelves[name].title)

    def _show(self, key: str) -> None:
        """The page about a thing; the one before goes."""
        self._current = key
        try:
            page = self.shelf.page(key) if key else QWidget()
        except (KeyError, OSError):
            page = EmptyState(self.shelf.icon, "It is gone", "It was moved or removed just now.")
        self.area.setWidget(page)  # the scroll area lets the page before it go
        self.area.verticalScrollBar().setValue(0)

    def _picked(self, key: str) -> None:
        self._keys[self.shown] = key
        if key != self._current:
            self._show(key)

    def _turned(self, shelf: Shelf, key: str) -> None:
        """A page says more by now: shown anew where it is the one that is seen."""
        if shelf is self.shelf and self._current == key:
            at = self.area.verticalScrollBar().value()
            self._show(key)
            self.area.verticalScrollBar().setValue(at)

    def _changed(self, shelf: Shelf) -> None:
        if shelf is self.shelf:
            self._list()
        else:
            self._heads()

    def _catalogue_changed(self) -> None:
        """The form says something changed: the lists follow where the catalogue is another."""
        if self._seen is not self.store.catalogue:
            self._seen = self.store.catalogue
            self._list()

    def _discarded(self, gone: Discarded) -> None:
        self._gone = gone
        standing = own.dependents(gone.name)
        more = f" {', '.join(standing)} stood on it and cannot be opened without it." if standing else ""
        self._tell(f"{gone.name} is in the bin.{more}", undo=True)

    def _tell(self, sentence: str, *, undo: bool = False) -> None:
        self._said.setText(sentence)
        self.undo.setVisible(undo)
        self.banner.show()

    def showEvent(self, event: QShowEvent) -> None:
        """Look again: files may have come and gone."""
        super().showEvent(event)
        self._look()
        self.presets.refresh()
        self._again.start()
        self._catalogue_changed()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self._again.stop()
        self.banner.hide()

    def _look(self) -> None:
        self.looked.emit()
        self.shelves["teachers"].refresh()

    def _wire(self) -> None:
        self._again.timeout.connect(self._look)
        self.store.changed.connect(self._catalogue_changed)
        self.search.textChanged.connect(lambda _: self._list())
        self.list.picked.connect(self._picked)
        self.importing.clicked.connect(self.import_file)
        self.undo.clicked.connect(self.undo_discard)
        self.presets.discarded.connect(self._discarded)
        for shelf in self.shelves.values():
            shelf.opened.connect(self.opened)
            shelf.chosen.connect(self.chosen)
            shelf.stacked.connect(self.stacked)
            shelf.changed.connect(partial(self._changed, shelf))
            shelf.failed.connect(self._tell)
            shelf.turned.connect(partial(self._turned, shelf))

    def _offer(self) -> None:
        commands.press(self, self.importing, "Import a preset or an mdistiller config…", icon="down")
        commands.offer(self, "Search the library", self.search.setFocus, keys="Ctrl+F", icon="search")
        for name, shelf in self.shelves.items():
            commands.offer(self, f"Library: {shelf.title.lower()}", partial(self.show_shelf, name), icon=shelf.icon)

    def _lay_out(self) -> None:
        self.importing = TextButton("Import…", "secondary", "down")
        self.importing.setToolTip("A preset from elsewhere, or a config of mdistiller")
        head = boxes.row(theme.SPACE)
        head.addWidget(label("Library", "title"))
        head.addSpacing(theme.GAP)
        self.tabs = {name: self._tab(name) for name in self.shelves}
        group = QButtonGroup(self)
        for tab in self.tabs.values():
            group.addButton(tab)
            head.addWidget(tab)
        head.addStretch(1)
        self._tools = {name: shelf.tools() for name, shelf in self.shelves.items()}
        for tools in self._tools.values():
            for tool in tools:
                head.addWidget(tool)
        head.addWidget(self.importing)
        self.tabs["methods"].setChecked(True)
        content = QWidget()
        content.setMaximumWidth(theme.READABLE)
        column = boxes.column(theme.GAP, content)
        boxes.pad(column, *theme.PAGE)
        column.addLayout(head)
        column.addWidget(self._banner())
        column.addLayout(self._body(), 1)
        boxes.centred(content, self)

    def _tab(self, name: str) -> QToolButton:
        tab = theme.set_role(QToolButton(), "segment")
        tab.setText(self.shelves[name].title)
        tab.setCheckable(True)
        tab.setAccessibleName(f"Shelf: {self.shelves[name].title}")
        tab.clicked.connect(lambda _=False: self._turn_to(name))
        return tab

    def _banner(self) -> QWidget:
        self.banner = theme.set_role(QFrame(), "banner")
        row = boxes.row(theme.SPACE, self.banner)
        boxes.pad(row, theme.GAP, theme.HALF)
        self._said = label("")
        self.undo = TextButton("Undo", "link")
        row.addWidget(self._said)
        row.addWidget(self.undo)
        row.addStretch(1)
        self.banner.hide()
        return self.banner

    def _body(self) -> boxes.QHBoxLayout:
        self.search = QLineEdit()
        self.search.setAccessibleName("Search the library")
        self.search.setClearButtonEnabled(True)
        self.list = ItemList()
        self.list.setAccessibleName("Things of the shelf")
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(EmptyState("search", "Nothing found", "No title, key or paper here holds all of these words."))
        side = theme.set_role(QFrame(), "panel")
        side.setFixedWidth(WIDE)
        column = boxes.column(theme.SPACE, side)
        boxes.pad(column, theme.SPACE)
        column.addWidget(self.search)
        column.addWidget(self._stack, 1)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setAccessibleName("About the chosen thing")
        body = boxes.row(theme.GAP)
        body.addWidget(side)
        body.addWidget(self.area, 1)
        return body
