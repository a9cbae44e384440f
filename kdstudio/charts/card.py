"""The card every chart lies on: title, unit, a title to drag it by, and a menu to take picture and numbers away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from kdstudio import theme
from kdstudio.help.topics import Topic
from kdstudio.widgets.icons import IconButton

Rows = Iterable[Sequence[object]]


class Card(QFrame):
    """A titled frame around one chart. `redraw` brings what is shown up to date; the redraw queue calls it, and lets the
    card `rest` for some seconds after. `key` names it where its place is remembered."""

    grow_requested = Signal(object)
    dragged = Signal(object, QPoint)
    """The card is being dragged by its title: itself, and where the pointer is on the screen."""
    dropped = Signal(object, QPoint)
    """It was let go there."""
    stale = Signal(object)
    """What is shown is to be drawn anew, though nothing new was measured."""

    def __init__(self, title: str, unit: str = "", help: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(title)
        self.span = 1
        self.key = title.lower()
        self._held: QPoint | None = None
        self._dragging = False
        self.levers: list[QWidget] = []  # buttons of the kind of chart, which say nothing in a picture
        self.title = title
        self._title = QLabel(title)
        self._title.setObjectName("card_title")
        self._title.setToolTip(help)
        font = self._title.font()
        font.setWeight(font.Weight.DemiBold)
        self._title.setFont(font)
        self._unit = FaintLabel(unit)
        self._unit.setToolTip(help)
        self.rest = 0.25
        self._menu_button = IconButton("more", "Take picture or numbers away", size=theme.ICON_SMALL)
        self._menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self._menu_button.setMenu(self.menu)
        self._grow = IconButton("expand", "Show large (double-click the title)", size=theme.ICON_SMALL)
        self._grow.clicked.connect(lambda: self.grow_requested.emit(self))
        self.tools = QHBoxLayout()
        self.tools.setSpacing(4)
        self.header = QWidget()
        self.header.setFixedHeight(28)
        self.body = QVBoxLayout()
        self.body.setSpacing(4)
        self._arrange()

    def _arrange(self) -> None:
        row = QHBoxLayout(self.header)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._title)
        row.addWidget(self._unit)
        row.addStretch(1)
        row.addLayout(self.tools)
        buttons = QHBoxLayout()
        buttons.setSpacing(0)
        buttons.addWidget(self._menu_button)
        buttons.addWidget(self._grow)
        row.addLayout(buttons)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(12, 6, 8, 8)
        outer.setSpacing(2)
        outer.addWidget(self.header)
        outer.addLayout(self.body, 1)

    def set_grown(self, grown: bool) -> None:
        """Whether the card fills the board now; the button then says how to come back."""
        if grown:
            self._grow.set_icon("shrink", "Back to all plots (Esc)")
        else:
            self._grow.set_icon("expand", "Show large (double-click the title)")

    def set_unit(self, unit: str) -> None:
        """The unit written beside the title."""
        self._unit.setText(unit)

    def add_action(self, words: str, call: Callable[[], None], *, checkable: bool = False) -> QAction:
        """An entry of the card's menu."""
        action = self.menu.addAction(words)
        action.setCheckable(checkable)
        action.triggered.connect(lambda _checked=False: call())
        return action

    def help_topic(self) -> Topic:
        """What F1 says of the chart: what it shows, as its declaration has it."""
        facts = (("Unit", self._unit.text()),) if self._unit.text() else ()
        return Topic(self.title, self._title.toolTip() or "Its menu takes the picture and the numbers away.", facts)

    def redraw(self) -> None:
        """Bring what is shown up to date."""
        raise NotImplementedError

    def table(self) -> Rows:
        """The numbers behind the picture, the first row being the names of the columns."""
        raise NotImplementedError

    def for_export(self, exporting: bool) -> None:
        """Hide the buttons while the card is painted into a file."""
        for button in (self._menu_button, self._grow, *self.levers):
            button.setVisible(not exporting)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """On the title: it may become a drag."""
        on_title = event.position().y() < self.header.geometry().bottom()
        self._held = event.position().toPoint() if on_title and event.button() == Qt.MouseButton.LeftButton else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer once it is clear that the card is meant."""
        if self._held is None:
            return
        moved = (event.position().toPoint() - self._held).manhattanLength()
        if self._dragging or moved >= QApplication.startDragDistance():
            self._dragging = True
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.dragged.emit(self, event.globalPosition().toPoint())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        dragging, self._held, self._dragging = self._dragging, None, False
        if dragging:
            self.unsetCursor()
            self.dropped.emit(self, event.globalPosition().toPoint())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """On the title: show large, or back."""
        if event.position().y() < self.header.geometry().bottom():
            self.grow_requested.emit(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A rounded ground with a hairline."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.colour("line"))
        painter.setBrush(theme.colour("surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        painter.end()


class FaintLabel(QLabel):
    """Words to be read second."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """The text, elided where it does not fit."""
        painter = QPainter(self)
        painter.setPen(theme.colour("muted"))
        painter.setFont(self.font())
        words = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), self.alignment(), words)
        painter.end()

    def minimumSizeHint(self) -> QSize:
        """May shrink to nothing: it elides."""
        return QSize(0, super().minimumSizeHint().height())


class Waiting(FaintLabel):
    """A centred sentence in place of a chart that has nothing to show yet."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The sentence, wrapped."""
        painter = QPainter(self)
        painter.setPen(theme.colour("muted"))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(self.rect().adjusted(16, 0, -16, 0), int(flags), self.text())
        painter.end()
