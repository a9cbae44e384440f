"""F1: what is known of the thing in focus, in a small sheet beside it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from kdstudio import theme
from kdstudio.help.topics import Topic
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import TextButton
from kdstudio.widgets.texts import label, wrapped


class HelpSheet(QFrame):
    """A popup with one topic; Escape, F1 or a click elsewhere closes it."""

    def __init__(self, parent: QWidget, topic: Topic, keys: Sequence[tuple[str, str]] = ()) -> None:
        """`keys` are what the keyboard can do here: keys, words."""
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(f"Help: {topic.title}")
        self.topic = topic
        theme.set_role(self, "popup")
        self.setFixedWidth(theme.SIDE + theme.SPACE * 10)
        column = boxes.column(theme.SPACE, self)
        boxes.pad(column, theme.GAP)
        column.addWidget(label(topic.title, "heading"))
        self.words = wrapped(topic.words)
        column.addWidget(self.words)
        if topic.facts:
            column.addWidget(_table(topic.facts, "muted"))
        if topic.link:
            column.addWidget(_link(topic.link))
        if keys:
            column.addWidget(label("KEYS", "overline"))
            column.addWidget(_table(keys, "mono", theme.SPACE * 15))
        self.close_button = TextButton("Close", "quiet")
        self.close_button.clicked.connect(self.close)
        column.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignRight)

    def show_beside(self, widget: QWidget, inside: QWidget) -> None:
        """Open below a widget, or above it where there is no room, within the window."""
        place = QRect(widget.mapToGlobal(QPoint(0, 0)), widget.size())
        room = QRect(inside.mapToGlobal(QPoint(0, 0)), inside.size()).adjusted(
            theme.SPACE, theme.SPACE, -theme.SPACE, -theme.SPACE
        )
        self.move(place.topLeft())
        self.show()  # its height is known once its words are dressed
        self.setFixedHeight(min(self.heightForWidth(self.width()), room.height()))
        self.move(beside(place, QRect(QPoint(0, 0), self.size()), room))
        self.close_button.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape and F1 close."""
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_F1, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.close()
        else:
            super().keyPressEvent(event)


def beside(place: QRect, sheet: QRect, room: QRect) -> QPoint:
    """Where a sheet goes: below a place, above it, or over it, always inside the room as far as it fits."""
    below, above = place.bottom() + theme.HALF, place.top() - theme.HALF - sheet.height()
    y = below if below + sheet.height() <= room.bottom() else above
    lowest, rightmost = room.bottom() - sheet.height(), room.right() - sheet.width()
    return QPoint(max(room.left(), min(place.left(), rightmost)), max(room.top(), min(y, lowest)))


def _table(rows: Sequence[tuple[str, str]], role: theme.Role, least: int = 0) -> QWidget:
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(theme.GAP)
    grid.setVerticalSpacing(theme.HALF)
    grid.setColumnMinimumWidth(0, least or theme.SPACE * 11)
    grid.setColumnStretch(1, 1)
    for row, (name, words) in enumerate(rows):
        grid.addWidget(label(name, role), row, 0, Qt.AlignmentFlag.AlignTop)
        said = wrapped(words)
        said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(said, row, 1)
    return page


def _link(address: str) -> QLabel:
    made = QLabel(f'<a href="{escape(address)}">{escape(address)}</a>')
    made.setOpenExternalLinks(True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
    made.setAccessibleName(f"Open {address}")
    return made
