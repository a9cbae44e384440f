"""The list of a shelf: titles with a line under each, in groups, searched while typing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from kdstudio import theme
from kdstudio.screens.library.shelf import Item

KEY, TITLE, GIST, GROUP, TAG, TONE, SAID = (Qt.ItemDataRole.UserRole + i for i in range(7))


class ItemList(QListWidget):
    """`picked` carries the key of the item that the keyboard or the mouse came to."""

    picked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        theme.set_role(self, "popup")
        self.setItemDelegate(_Lines(self))
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.currentItemChanged.connect(self._pick)
        theme.signals.changed.connect(self.viewport().update)

    def show_items(self, items: Sequence[Item], words: str, chosen: str) -> None:
        """Show those items in which every word occurs, the chosen one selected where it is among them, else the first."""
        wanted = words.lower().split()
        quiet = QSignalBlocker(self)  # nobody came to an item: it is only listed
        self.clear()
        group = ""
        for item in (each for each in items if all(word in _said(each) for word in wanted)):
            if item.group != group:
                group = item.group
                self._add_group(group)
            self._add(item)
        found = [self.item(n) for n in range(self.count()) if self.item(n).data(KEY)]
        current = next((item for item in found if item.data(KEY) == chosen), found[0] if found else None)
        if current is not None:
            self.setCurrentItem(current)
        quiet.unblock()

    def keys(self) -> list[str]:
        """What is listed, in order."""
        return [key for n in range(self.count()) if (key := self.item(n).data(KEY))]

    def choose(self, key: str) -> None:
        """Go to an item."""
        for n in range(self.count()):
            if self.item(n).data(KEY) == key:
                self.setCurrentRow(n)
                return

    def _pick(self, item: QListWidgetItem | None) -> None:
        if item is not None and item.data(KEY):
            self.picked.emit(item.data(KEY))

    def _add_group(self, words: str) -> None:
        item = QListWidgetItem(self)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setData(GROUP, words)

    def _add(self, each: Item) -> None:
        item = QListWidgetItem(self)
        for role, value in ((KEY, each.key), (TITLE, each.title), (GIST, each.gist), (TAG, each.tag), (TONE, each.tone)):
            item.setData(role, value)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{each.title}, {each.gist}")
        item.setToolTip(f"<p>{each.gist}</p>")


def _said(item: Item) -> str:
    return f"{item.title} {item.gist} {item.key} {item.group} {item.tag} {item.search}".lower()


class _Lines(QStyledItemDelegate):
    """A title and a line under it, a word at the right, or the name of a group."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Two lines, or one for a group."""
        return QSize(0, theme.SPACE * 4 if index.data(GROUP) else theme.SPACE * 6 + theme.HALF)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """On a soft ground where it is chosen or pointed at."""
        painter.save()
        inside = option.rect.adjusted(theme.SPACE + theme.HALF, theme.SPACE - 1, -theme.SPACE, -theme.SPACE + 1)
        if index.data(GROUP):
            _write(painter, inside, index.data(GROUP).upper(), "faint", theme.label_font(), Qt.AlignmentFlag.AlignBottom)
        else:
            self._ground(painter, option)
            room = self._tag(painter, inside, index)
            above = inside.adjusted(0, 0, -room, 0)
            bold = QFont(option.font)
            bold.setWeight(QFont.Weight.Medium)
            _write(painter, above, index.data(TITLE), "text", bold, Qt.AlignmentFlag.AlignTop)
            _write(painter, inside, index.data(GIST), "faint", theme.label_font(), Qt.AlignmentFlag.AlignBottom)
        painter.restore()

    def _ground(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if not chosen and not option.state & QStyle.StateFlag.State_MouseOver:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        here = chosen and option.state & QStyle.StateFlag.State_HasFocus
        painter.setPen(theme.colour("accent") if here else Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("accent_soft" if chosen else "raised"))
        painter.drawRoundedRect(option.rect.adjusted(2, 1, -2, -1), theme.RADIUS - 2, theme.RADIUS - 2)

    def _tag(self, painter: QPainter, inside: QRect, index: QModelIndex | QPersistentModelIndex) -> int:
        """The word at the right; how much room it takes."""
        words = index.data(TAG)
        if not words:
            return 0
        _write(painter, inside, words, index.data(TONE) or "muted", theme.label_font(),
               Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)  # fmt: skip
        return painter.fontMetrics().horizontalAdvance(words) + theme.SPACE


def _write(painter: QPainter, box: QRect, words: str, tone: str, font: QFont, at: Qt.AlignmentFlag) -> None:
    painter.setFont(font)
    painter.setPen(theme.colour(tone))
    shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, int(at if at & Qt.AlignmentFlag.AlignRight else at | Qt.AlignmentFlag.AlignLeft), shown)
