"""Help for whoever sits before the window: search for anything, help on the thing in focus, shortcuts, the tour, About."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QSettings, QTimer
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from kdstudio import commands, theme
from kdstudio.help import topics
from kdstudio.help.topics import Topic
from kdstudio.rail import MODES
from kdstudio.widgets import icons

if TYPE_CHECKING:
    from kdstudio.help.palette import Palette
    from kdstudio.help.tour import Tour
    from kdstudio.window import Window

SEEN = "tour/seen"
"""Remembers that the tour was shown."""
ELSEWHERE = "Go with Tab to a field, a button or a plot and press F1 there: what is known of it is shown."


class Guide(QObject):
    """Offers its commands to the whole window; each sheet is made when it is first wanted."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._palette: Palette | None = None
        self.tour: Tour | None = None
        search = commands.offer(window, "Search everything", self.search, keys="Ctrl+K", icon="search")
        help_ = commands.offer(window, "Help on the thing in focus", self.help, keys="F1", icon="help")
        self.menu = (
            help_,
            commands.offer(window, "Keyboard shortcuts", self.shortcuts, keys="Ctrl+/", icon="keyboard"),
            commands.offer(window, "Take the tour", self.take_tour, icon="info"),
            commands.offer(window, "About kdstudio", self.about, icon="device"),
        )
        for mode, (icon, words) in MODES.items():
            commands.offer(window, f"Theme: {words.lower()}", partial(theme.set_mode, mode), icon=icon)
        commands.offer(window, "Quit", window.close, keys="Ctrl+Q", icon="close")
        rail = window.rail
        rail.search.setToolTip(f"Search everything ({search.keys()})")
        rail.search.clicked.connect(self.search)
        rail.help.setToolTip(f"Help; on the thing in focus: {help_.keys()}")
        rail.help.clicked.connect(self.show_menu)

    @property
    def palette(self) -> Palette:
        """The palette; made when it is first wanted."""
        if self._palette is None:
            from kdstudio.help.palette import Palette

            self._palette = Palette(self._window)
        return self._palette

    def search(self) -> None:
        """Open the palette."""
        self.palette.open()

    def help(self) -> None:
        """What is known of the widget that has the keyboard; of its screen where nothing is."""
        from kdstudio.help.sheet import HelpSheet

        focus = QApplication.focusWidget()
        entry = self._window.entry()
        words = f"{entry.help} {ELSEWHERE}".strip()
        topic = topics.of(focus) or Topic(entry.words, words)
        here = [c for c in commands.found(self._window) if c.keys() and self._window.page_of(c.owner) == entry.key]
        keys = [] if topics.of(focus) else [(command.keys(), command.text()) for command in here]
        HelpSheet(self._window, topic, keys).show_beside(focus or self._window, self._window)

    def show_menu(self) -> None:
        """The help there is, beside the rail."""
        menu = QMenu(self._window)
        menu.setAccessibleName("Help")
        for command in self.menu:
            menu.addAction(icons.icon(command.icon_name), f"{command.text()}\t{command.keys()}", command.do)
        menu.aboutToHide.connect(menu.deleteLater)
        item: QWidget = self._window.rail.help
        menu.popup(item.mapToGlobal(QPoint(item.width(), 0)))

    def shortcuts(self) -> None:
        """The list of keys, of every screen."""
        from kdstudio.help.shortcuts import ShortcutSheet

        ShortcutSheet(self._window).open()

    def about(self) -> None:
        """Versions and device."""
        from kdstudio.help.about import AboutSheet

        AboutSheet(self._window, self._window.home).open()

    def welcome(self) -> None:
        """The tour, the first time the window is seen at all."""
        if not QSettings().value(SEEN, False, bool):
            QTimer.singleShot(0, self, self.take_tour)

    def take_tour(self) -> None:
        """The tour over the window, from its beginning."""
        from kdstudio.help.tour import Tour

        if self.tour is None:
            QSettings().setValue(SEEN, True)
            self._window.show_setup()
            self.tour = Tour(self._window)
            self.tour.ended.connect(self._forget_tour)

    def wait(self) -> None:
        """Until nothing of it reads any more: for the end of the program."""
        if self._palette is not None:
            self._palette.wait()

    def _forget_tour(self) -> None:
        self.tour = None
