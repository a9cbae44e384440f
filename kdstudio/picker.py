"""The list of experiments to open: searched while typing, chosen with a click or Return."""

from __future__ import annotations

from collections.abc import Sequence

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

from engine.presets import PresetName
from kdstudio import boxes, theme
from kdstudio.icons import TextButton

NAME, TITLE, GROUP, BROKEN = (Qt.ItemDataRole.UserRole + i for i in range(4))


class _Lines(QStyledItemDelegate):
    """A title with its name under it, or the name of a group."""

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
        else:
            if chosen:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.colour("accent_soft"))
                painter.drawRoundedRect(option.rect.adjusted(2, 1, -2, -1), theme.RADIUS - 2, theme.RADIUS - 2)
            tone = "problem" if index.data(BROKEN) else "text"
            self._words(painter, inside, index.data(TITLE), tone, option.font, Qt.AlignmentFlag.AlignTop)
            under = index.data(BROKEN) or index.data(NAME)
            self._words(painter, inside, under, "faint", theme.label_font(), Qt.AlignmentFlag.AlignBottom)
        painter.restore()

    def _words(self, painter: QPainter, rect: QRect, words: str, tone: str, font: object, at: Qt.AlignmentFlag) -> None:
        painter.setFont(font)  # type: ignore[arg-type]
        painter.setPen(theme.colour(tone))
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, int(at | Qt.AlignmentFlag.AlignLeft), shown)


class PresetPicker(QFrame):
    """A popup over the window. `picked` carries a preset's name, `file_requested` asks for a dialogue."""

    picked = Signal(str)
    file_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        theme.set_role(self, "popup")
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search experiments")
        self.search.setAccessibleName("Search experiments")
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.list = QListWidget()
        theme.set_role(self.list, "popup")
        self.list.setItemDelegate(_Lines(self.list))
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemClicked.connect(self._take)
        file = TextButton("Open a file…", "quiet", "folder")
        file.clicked.connect(self._ask_for_file)
        column = boxes.column(theme.SPACE, self)
        boxes.pad(column, theme.SPACE)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        column.addWidget(file, 0, Qt.AlignmentFlag.AlignLeft)

    def show_presets(self, found: Sequence[PresetName], current: str, at: QPoint, width: int, height: int) -> None:
        """Open below a point with these presets, the current one chosen."""
        self.list.clear()
        for group, shipped in (("Your own", False), ("Came with kdstudio", True)):
            members = [p for p in found if p.shipped == shipped]
            if members:
                self._add_group(group)
            for preset in members:
                self._add(preset)
        self.resize(width, height)
        self.move(at)
        self.search.clear()
        self._filter("")
        self._choose(current)
        self.show()
        self.search.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up, down and Return in the search field act on the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                self._step(1 if event.key() == Qt.Key.Key_Down else -1)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take(self.list.currentItem())
                return True
        return super().eventFilter(watched, event)

    def _add_group(self, words: str) -> None:
        item = QListWidgetItem(self.list)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setData(GROUP, words)

    def _add(self, preset: PresetName) -> None:
        item = QListWidgetItem(self.list)
        for role, value in ((NAME, preset.name), (TITLE, preset.title), (BROKEN, preset.problem)):
            item.setData(role, value)
        item.setToolTip(preset.problem)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, preset.title)

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        for item in self._items():
            said = f"{item.data(TITLE)} {item.data(NAME)}".lower()
            item.setHidden(not all(word in said for word in words) if item.data(NAME) else bool(words))
        shown = [item for item in self._items() if item.data(NAME) and not item.isHidden()]
        if words and shown:
            self.list.setCurrentItem(shown[0])

    def _choose(self, name: str) -> None:
        for item in self._items():
            if item.data(NAME) == name:
                self.list.setCurrentItem(item)
                self.list.scrollToItem(item, QListWidget.ScrollHint.PositionAtCenter)

    def _step(self, by: int) -> None:
        shown = [item for item in self._items() if item.data(NAME) and not item.isHidden()]
        if shown:
            at = shown.index(self.list.currentItem()) if self.list.currentItem() in shown else -by
            self.list.setCurrentItem(shown[max(0, min(len(shown) - 1, at + by))])

    def _take(self, item: QListWidgetItem | None) -> None:
        if item is not None and item.data(NAME) and not item.isHidden():
            self.hide()
            self.picked.emit(item.data(NAME))

    def _ask_for_file(self) -> None:
        self.hide()
        self.file_requested.emit()
