"""The card of the methods: the stack with what each adds to the loss, reordered by dragging or by key, added to and removed
from."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QMenu, QWidget

from engine.cards import MethodCard
from kdstudio import theme
from kdstudio.screens.setup import outline
from kdstudio.screens.setup.cards import Card
from kdstudio.store import Store
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import IconButton, IconLabel, TextButton
from kdstudio.widgets.texts import Elided, chip, wrapped


class Grip(IconLabel):
    """What a row is dragged by; the arrow keys move it, too. `dragged` carries where the pointer is on the screen, downwards,
    `dropped` whether the row is to stay there, `stepped` -1 or +1."""

    dragged = Signal(int)
    dropped = Signal(bool)
    stepped = Signal(int)

    def __init__(self, title: str) -> None:
        super().__init__("grip", "faint")
        self._held = False
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip("Drag to change the order")
        self.setAccessibleName(f"Order of {title}: drag, or use the arrow keys")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold."""
        self._held = event.button() == Qt.MouseButton.LeftButton
        self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag."""
        if self._held:
            self.dragged.emit(round(event.globalPosition().y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._let_go(self._held)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down move the row, Escape gives a drag up."""
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        if event.key() == Qt.Key.Key_Escape and self._held:
            self._let_go(False)
        elif event.key() in steps and not self._held:
            self.stepped.emit(steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def _let_go(self, stays: bool) -> None:
        self._held = False
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.dropped.emit(stays)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The dots, and a frame while the keyboard is there."""
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self)
            painter.setPen(theme.colour("accent"))
            painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), theme.HALF, theme.HALF)
            painter.end()


class Name(TextButton):
    """A title that ends in dots where there is no room for it."""

    def __init__(self, words: str) -> None:
        super().__init__(words, "quiet")
        self._words = words
        self.setAccessibleName(words)

    def minimumSizeHint(self) -> QSize:
        """May shrink to a few letters."""
        return QSize(theme.SPACE * 6, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        """Room for every word."""
        wide = self.fontMetrics().horizontalAdvance(self._words) + 3 * theme.SPACE
        return QSize(wide, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many words as fit."""
        super().resizeEvent(event)
        room = self.width() - 3 * theme.SPACE + 2
        self.setText(self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, room))


class Row(QWidget):
    """One method of the stack: its place, its title, what it adds to the loss, and what can be done with it."""

    def __init__(self, key: str, card: MethodCard, index: int, count: int) -> None:
        super().__init__()
        self.key, self.title = key, card.title
        self.grip = Grip(card.title)
        self.grip.setVisible(count > 1)
        self.name = Name(card.title)
        self.name.setToolTip(f"<p>{escape(card.summary)}</p><p>{escape(card.paper)}</p>")
        self.adds = Elided("", "faint")
        self.up, self.down = self._action("up", f"Move {card.title} up"), self._action("down", f"Move {card.title} down")
        self.up.setEnabled(index > 0)
        self.down.setEnabled(index < count - 1)
        for arrow in (self.up, self.down):
            arrow.setVisible(count > 1)
        self.remove = self._action("close", f"Remove {card.title}")
        line = boxes.row(0)
        line.addWidget(self.grip)
        line.addWidget(chip(str(index + 1)))
        line.addWidget(self.name)
        line.addStretch(1000)
        for button in (self.up, self.down, self.remove):
            line.addWidget(button)
        column = boxes.column(0, self)
        column.addLayout(line)
        column.addWidget(self.adds)

    def _action(self, name: str, words: str) -> IconButton:
        return IconButton(name, words, size=theme.ICON_SMALL)


class Rows(QWidget):
    """The rows under each other; while one is dragged a line says where it would stand. `placed` carries a method and its
    place among the others."""

    placed = Signal(str, int)

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._dragged, self._place = "", -1
        self._column = boxes.column(theme.SPACE, self)

    def show_rows(self, rows: list[Row]) -> None:
        """Show these rows and no others."""
        boxes.empty(self._column)
        self.rows = rows
        for row in rows:
            self._column.addWidget(row)
            row.grip.dragged.connect(lambda y, key=row.key: self._drag(key, y))
            row.grip.dropped.connect(self._drop, Qt.ConnectionType.QueuedConnection)

    def _drag(self, key: str, y: int) -> None:
        """Where among the others the dragged row would stand."""
        at = y - self.mapToGlobal(self.rect().topLeft()).y()
        self._dragged = key
        self._place = sum(row.geometry().center().y() < at for row in self.rows if row.key != key)
        self.update()

    def _drop(self, stays: bool) -> None:
        key, place, self._dragged, self._place = self._dragged, self._place, "", -1
        self.update()
        if stays and key and place >= 0:
            self.placed.emit(key, place)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The line."""
        others = [row for row in self.rows if row.key != self._dragged]
        if not self._dragged or not others:
            return
        last = self._place >= len(others)
        below = others[-1].geometry().bottom() + theme.HALF if last else others[self._place].geometry().top()
        painter = QPainter(self)
        painter.fillRect(0, max(0, below - theme.HALF), self.width(), 2, theme.colour("accent"))
        painter.end()


class MethodsCard(Card):
    """The stack of methods. `method_requested` carries the one whose settings are wanted."""

    method_requested = Signal(str)

    def __init__(self, store: Store) -> None:
        super().__init__("Methods", "method")
        self._store = store
        self._shown: tuple[str, ...] | None = None
        self.alone = wrapped("Labels alone: the student is trained without distillation.", "muted")
        self.column.addWidget(self.alone)
        self.stack = Rows()
        self.stack.placed.connect(store.place_method)
        self.column.addWidget(self.stack)
        self.add = TextButton("Add a method", "link", "plus")
        self.menu = QMenu(self.add)
        self.menu.setToolTipsVisible(True)
        self.add.clicked.connect(self._offer)
        self.column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self.column.addStretch(1)

    def refresh(self) -> None:
        """Show the stack; rows are made anew only where it changed."""
        stack = self._store.stack()
        self.alone.setVisible(not stack)
        self.stack.setVisible(bool(stack))
        self.add.setEnabled(any(key not in stack for key in self._store.catalogue.methods))
        if stack != self._shown:
            held = next((row.key for row in self.stack.rows if row.grip.hasFocus()), "")
            self._shown = stack
            self.stack.show_rows([self._row(index, key, len(stack)) for index, key in enumerate(stack)])
            for row in self.stack.rows:
                if row.key == held:
                    row.grip.setFocus()
        for row in self.stack.rows:
            row.adds.setText(outline.adds(row.key, self._store.resolved().experiment, self._store.catalogue))

    def _row(self, index: int, key: str, count: int) -> Row:
        row, store = Row(key, self._store.catalogue.methods[key], index, count), self._store
        calls: tuple[tuple[IconButton, Callable[[], None]], ...] = (
            (row.up, lambda: store.move_method(key, -1)), (row.down, lambda: store.move_method(key, 1)),
            (row.remove, lambda: store.remove_method(key)),
        )  # fmt: skip
        for button, call in calls:
            button.clicked.connect(call, Qt.ConnectionType.QueuedConnection)
        row.grip.stepped.connect(lambda by: store.move_method(key, by), Qt.ConnectionType.QueuedConnection)
        row.name.clicked.connect(lambda: self.method_requested.emit(key))
        return row

    def _offer(self) -> None:
        """The methods that are not in the stack yet, in a menu."""
        self.menu.clear()
        for key, card in self._store.catalogue.methods.items():
            if key not in self._store.stack():
                action = QAction(card.title, self.menu)
                action.setToolTip(f"<p>{escape(card.summary)}</p><p>{escape(card.paper)}</p>")
                action.triggered.connect(lambda _=False, key=key: self._store.add_method(key))
                self.menu.addAction(action)
        self.menu.popup(self.add.mapToGlobal(self.add.rect().bottomLeft()))
