"""A popup list that is searched while typing, and chosen from with a click or Return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from kdstudio import theme
from kdstudio.widgets import boxes

NAME, TITLE, UNDER, ASIDE, GROUP, BROKEN, WORDS = (Qt.ItemDataRole.UserRole + i for i in range(7))
STEPS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}
"""Keys that move the choice in a list while the field above it keeps the keyboard."""


@dataclass(frozen=True)
class Entry:
    """One thing to find: `name` is what is picked, `under` stands below the title and `aside` at the right of it; `broken` says
    why it cannot be had, and `words` are searched beside what is shown."""

    name: str
    title: str
    under: str = ""
    aside: str = ""
    broken: str = ""
    words: str = ""


class _Lines(QStyledItemDelegate):
    """A title with a line under it, or the name of a group."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Two lines, or one for a group."""
        return QSize(0, theme.SPACE * (4 if index.data(GROUP) else 6))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """The row on a soft ground where it is chosen or pointed at."""
        painter.save()
        chosen = option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver)
        inside = option.rect.adjusted(theme.SPACE, theme.SPACE - 1, -theme.SPACE, -theme.SPACE + 1)
        if index.data(GROUP):
            self._words(painter, inside, index.data(GROUP).upper(), "faint", theme.label_font(), Qt.AlignmentFlag.AlignBottom)
            painter.restore()
            return
        if chosen:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("accent_soft"))
            painter.drawRoundedRect(option.rect.adjusted(2, 1, -2, -1), theme.RADIUS - 2, theme.RADIUS - 2)
        right = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight
        beside = self._words(painter, inside, index.data(ASIDE), "faint", theme.label_font(), right, inside.width() // 2)
        tone = "problem" if index.data(BROKEN) else "text"
        room = inside.adjusted(0, 0, -beside - theme.SPACE if beside else 0, 0)
        self._words(painter, room, index.data(TITLE), tone, option.font, Qt.AlignmentFlag.AlignTop)
        under = index.data(BROKEN) or index.data(UNDER)
        self._words(painter, inside, under, "faint", theme.label_font(), Qt.AlignmentFlag.AlignBottom)
        painter.restore()

    def _words(
        self, painter: QPainter, rect: QRect, words: str, tone: str, font: object, at: Qt.AlignmentFlag, most: int = 0
    ) -> int:
        """Draw words, elided where they do not fit; how wide they are."""
        painter.setFont(font)  # type: ignore[arg-type]
        painter.setPen(theme.colour(tone))
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, most or rect.width())
        side = at if at & Qt.AlignmentFlag.AlignRight else at | Qt.AlignmentFlag.AlignLeft
        painter.drawText(rect, int(side), shown)
        return painter.fontMetrics().horizontalAdvance(shown)


class Finder(QFrame):
    """A popup over the window. `picked` carries the name of an entry; `foot` is room below the list."""

    picked = Signal(str)

    def __init__(self, words: str, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        theme.set_role(self, "popup")
        self.search = QLineEdit()
        self.search.setPlaceholderText(words)
        self.search.setAccessibleName(words)
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.list = QListWidget()
        theme.set_role(self.list, "popup")
        self.list.setItemDelegate(_Lines(self.list))
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Found")
        self.list.itemClicked.connect(self._take)
        self.foot = boxes.row(theme.SPACE)
        column = boxes.column(theme.SPACE, self)
        boxes.pad(column, theme.SPACE)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        column.addLayout(self.foot)

    def show_entries(self, groups: Sequence[tuple[str, Sequence[Entry]]], current: str, at: QRect) -> None:
        """Open at a place of the screen with these entries under their groups' names, the current one chosen."""
        self.list.clear()
        for words, entries in groups:
            if entries:
                self._add_group(words)
            for entry in entries:
                self._add(entry)
        self.resize(at.size())
        self.move(at.topLeft())
        self.search.clear()
        self._filter("")
        self._choose(current)
        self.show()
        self.search.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up, down and Return in the search field act on the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in STEPS:
                self._step(STEPS[Qt.Key(event.key())])
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take(self.list.currentItem())
                return True
        return super().eventFilter(watched, event)

    def names(self) -> list[str]:
        """What is shown, from the top."""
        return [item.data(NAME) for item in self._shown()]

    def _add_group(self, words: str) -> None:
        item = QListWidgetItem(self.list)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setData(GROUP, words)

    def _add(self, entry: Entry) -> None:
        item = QListWidgetItem(self.list)
        said = f"{entry.title} {entry.under} {entry.aside} {entry.name} {entry.words}".lower()
        roles = (NAME, entry.name), (TITLE, entry.title), (UNDER, entry.under), (ASIDE, entry.aside), (BROKEN, entry.broken)
        for role, value in (*roles, (WORDS, said)):
            item.setData(role, value)
        item.setToolTip(entry.broken or entry.under)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.title}, {entry.under}".strip(", "))

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    def _shown(self) -> list[QListWidgetItem]:
        return [item for item in self._items() if item.data(NAME) and not item.isHidden()]

    def _filter(self, text: str) -> None:
        """Show what has every word that was typed, and choose the first whose title has the most of it."""
        words = text.lower().split()
        for item in self._items():
            item.setHidden(not all(word in item.data(WORDS) for word in words) if item.data(NAME) else bool(words))
        shown = self._shown()
        if words and shown:
            best = max(shown, key=lambda item: _likeness(item.data(TITLE).lower(), words))
            self.list.setCurrentItem(best)
            self.list.scrollToItem(best)

    def _choose(self, name: str) -> None:
        for item in self._items():
            if item.data(NAME) == name:
                self.list.setCurrentItem(item)
                self.list.scrollToItem(item, QListWidget.ScrollHint.PositionAtCenter)

    def _step(self, by: int) -> None:
        shown = self._shown()
        if shown:
            there = self.list.currentItem() in shown
            at = shown.index(self.list.currentItem()) + by if there else 0
            self.list.setCurrentItem(shown[max(0, min(len(shown) - 1, at))])

    def _take(self, item: QListWidgetItem | None) -> None:
        if item is not None and item.data(NAME) and not item.isHidden():
            self.hide()
            self.picked.emit(item.data(NAME))


def below(widget: QWidget, width: int, height: int) -> QRect:
    """Room below a widget for a popup, within its window."""
    window, corner = widget.window(), widget.mapToGlobal(widget.rect().bottomLeft()) + QPoint(0, theme.HALF)
    right = window.mapToGlobal(window.rect().bottomRight())
    left = max(window.mapToGlobal(QPoint(0, 0)).x(), min(corner.x(), right.x() - width - theme.SPACE))
    return QRect(left, corner.y(), width, max(theme.SPACE * 20, min(height, right.y() - corner.y() - theme.SPACE)))


def _likeness(title: str, words: list[str]) -> tuple[int, bool, bool, int]:
    """How well a title answers: by the words in it, whether they stand there as they were typed, whether it begins with the
    first, and by how little else it says."""
    return sum(word in title for word in words), " ".join(words) in title, title.startswith(words[0]), -len(title)
