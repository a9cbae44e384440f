"""The tour: a few places of the window, one after another, with a sentence each. Shown by itself at the first start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QWidget

from kdstudio import theme
from kdstudio.help.sheet import beside
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import TextButton
from kdstudio.widgets.texts import label, wrapped

if TYPE_CHECKING:
    from kdstudio.window import Window


@dataclass(frozen=True)
class Stop:
    """A place of the window and what is said there."""

    place: Callable[[Window], QWidget]
    heading: str
    words: str


STOPS = (
    Stop(lambda w: w.setup.header.pick, "Begin with an experiment",
         "Each one is complete and runs as it is. The digits need no download and are done in minutes."),
    Stop(lambda w: w.setup.area, "Change what you like",
         "Images, teacher, student and methods at the top, every setting below. F1 on a field tells all about it."),
    Stop(lambda w: w.setup.plan, "See what it comes to, and start",
         "Sizes, the loss, what does not fit and why. Start when nothing stands in red."),
    Stop(lambda w: w.rail.items["run"], "Watch it",
         "Curves, matrices and findings while it trains. Pause, save or stop it at any time; it can go on later."),
    Stop(lambda w: w.rail.items["runs"], "Come back to it",
         "Every run is kept here with its settings, its curves and the trained student to take away."),
    Stop(lambda w: w.rail.search, "Find anything",
         "Ctrl+K searches actions, settings, presets and runs. The tour is under Help whenever you want it again."),
)  # fmt: skip
SHADE = 0.72
"""How much of the ground covers what is not spoken of."""


class Tour(QWidget):
    """A shade over the window with a hole at the present stop and a bubble beside it. Left, Right and Escape do as they say;
    Tab stays in the bubble."""

    ended = Signal()

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self.at = 0
        self.bubble = theme.set_role(QFrame(self), "popup")
        self.bubble.setFixedWidth(theme.SIDE + theme.SPACE * 4)
        self.heading, self.words, self.count = label("", "heading"), wrapped(""), label("", "faint")
        self.skip = TextButton("Skip the tour", "quiet")
        self.back = TextButton("Back", "secondary")
        self.next = TextButton("Next", "primary")
        self.skip.clicked.connect(self.end)
        self.back.clicked.connect(lambda: self.go(self.at - 1))
        self.next.clicked.connect(lambda: self.go(self.at + 1))
        self._lay_out()
        window.installEventFilter(self)
        theme.signals.changed.connect(self.update)
        self.setGeometry(window.rect())
        self.show()
        self.raise_()
        self.go(0)

    def go(self, stop: int) -> None:
        """Speak of a stop; behind the last the tour is over."""
        if not 0 <= stop < len(STOPS):
            self.end()
            return
        self.at = stop
        here = STOPS[stop]
        self.heading.setText(here.heading)
        self.words.setText(here.words)
        self.count.setText(f"{stop + 1} of {len(STOPS)}")
        self.bubble.setAccessibleName(f"{here.heading}. {here.words}")
        self.back.setEnabled(stop > 0)
        self.next.setText("Next" if stop + 1 < len(STOPS) else "Done")
        self.next.setFocus(Qt.FocusReason.OtherFocusReason)
        QTimer.singleShot(0, self, self._place)  # once the layout has settled
        self._place()

    def end(self) -> None:
        """Take the shade away."""
        self._window.removeEventFilter(self)
        self.hide()
        self.ended.emit()
        self.deleteLater()

    def spot(self) -> QRect:
        """Where the present stop is, inside the window."""
        place = STOPS[self.at].place(self._window)
        corner = place.mapTo(self._window, QPoint(0, 0))
        around = QRect(corner, place.size()).adjusted(-theme.HALF, -theme.HALF, theme.HALF, theme.HALF)
        return around & self.rect()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes round among the buttons."""
        buttons = [button for button in (self.skip, self.back, self.next) if button.isEnabled()]
        at = buttons.index(self.focusWidget()) if self.focusWidget() in buttons else 0  # type: ignore[arg-type]
        buttons[(at + (1 if forward else -1)) % len(buttons)].setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay over the whole window; on the buttons arrows turn, and Escape ends."""
        if event.type() == QEvent.Type.Resize and watched is self._window:
            self.setGeometry(self._window.rect())
            QTimer.singleShot(0, self, self._place)
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and watched is not self._window:
            calls = {
                Qt.Key.Key_Escape: self.end, Qt.Key.Key_Right: self.next.click, Qt.Key.Key_Left: self.back.click,
                Qt.Key.Key_Return: self._press, Qt.Key.Key_Enter: self._press,
            }  # fmt: skip
            if event.key() in calls:
                calls[Qt.Key(event.key())]()
                return True
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The shade, the hole, and a line around it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        hole, all_ = QPainterPath(), QPainterPath()
        all_.addRect(QRectF(self.rect()))
        hole.addRoundedRect(QRectF(self.spot()), theme.RADIUS, theme.RADIUS)
        shade = theme.colour("window")
        shade.setAlphaF(SHADE)
        painter.fillPath(all_.subtracted(hole), shade)
        painter.setPen(QPen(theme.colour("accent"), 2))
        painter.drawPath(hole)
        painter.end()

    def _press(self) -> None:
        """Return presses the button that has the keyboard."""
        here = self.focusWidget()
        if isinstance(here, TextButton):
            here.click()

    def _place(self) -> None:
        self.bubble.adjustSize()
        self.bubble.setFixedHeight(self.bubble.heightForWidth(self.bubble.width()))
        spot, room = self.spot(), self.rect().adjusted(theme.SPACE, theme.SPACE, -theme.SPACE, -theme.SPACE)
        size = QRect(QPoint(0, 0), self.bubble.size())
        if spot.right() + theme.SPACE + size.width() <= room.right():  # to the right of what is narrow
            at = QPoint(spot.right() + theme.SPACE, max(room.top(), min(spot.top(), room.bottom() - size.height())))
        else:
            at = beside(spot, size, room)
        self.bubble.move(at)
        self.update()

    def _lay_out(self) -> None:
        column = boxes.column(theme.SPACE, self.bubble)
        boxes.pad(column, theme.GAP)
        column.addWidget(self.heading)
        column.addWidget(self.words)
        row = boxes.row(theme.SPACE)
        row.addWidget(self.count)
        row.addStretch(1)
        for button in (self.skip, self.back, self.next):
            button.installEventFilter(self)
            row.addWidget(button)
        column.addLayout(row)
