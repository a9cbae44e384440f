"""The rail on the left: which screen is shown, and the theme."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QButtonGroup, QFrame, QLabel, QSizePolicy, QToolButton, QVBoxLayout

from engine.shipped import place
from kdstudio import commands, theme
from kdstudio.widgets import icons

MODES: dict[theme.Mode, tuple[str, str]] = {"system": ("system", "System"), "light": ("sun", "Light"), "dark": ("moon", "Dark")}
"""Mode -> icon, words."""


class RailItem(QToolButton):
    """An icon over a word; checked while its screen is shown, with a dot while something goes on there."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__()
        self._drawn = name
        self._dot = ""
        self.setText(words)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        self.setIconSize(QSize(theme.ICON_LARGE - 2, theme.ICON_LARGE - 2))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(theme.SPACE * 7)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.set_role(self, "rail-item")
        self.toggled.connect(self._tint)
        theme.signals.changed.connect(self._tint)
        self._tint()

    def set_drawing(self, name: str, words: str) -> None:
        """Show another icon and another word."""
        self._drawn = name
        self.setText(words)
        self._tint()

    def set_dot(self, tone: str) -> None:
        """Mark with a dot of this tone; empty for none."""
        self._dot = tone
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The button and its dot."""
        super().paintEvent(event)
        if self._dot:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(self._dot))
            painter.drawEllipse(self.width() - theme.GAP - theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
            painter.end()

    def _tint(self) -> None:
        self.setIcon(icons.icon(self._drawn, "accent" if self.isChecked() else "muted", theme.ICON_LARGE - 2))


class Rail(QFrame):
    """Screens above; search, help and theme below. `entries` are key, words, icon of each screen. `chosen` carries the
    screen's key."""

    chosen = Signal(str)

    def __init__(self, entries: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        theme.set_role(self, "rail")
        self.setFixedWidth(theme.RAIL)
        self.items = {screen: RailItem(name, words) for screen, words, name in entries}
        self.ways: dict[str, commands.Command] = {}
        self.search, self.help = RailItem("search", "Search"), RailItem("help", "Help")
        self.theme = RailItem(*MODES[theme.mode()])
        self.theme.setToolTip("Light, dark, or as the system has it")
        self.theme.setAccessibleName("Theme")
        self.theme.clicked.connect(self._next_theme)
        theme.signals.changed.connect(self._show_theme)
        self._group = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE, theme.GAP, theme.SPACE, theme.SPACE)
        column.setSpacing(theme.HALF)
        column.addWidget(_mark(), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(theme.GAP)
        for position, (screen, item) in enumerate(self.items.items(), 1):
            item.setCheckable(True)
            self.ways[screen] = commands.press(self, item, f"Go to {item.text()}", keys=f"Ctrl+{position}")
            item.clicked.connect(lambda _=False, screen=screen: self.chosen.emit(screen))
            self._group.addButton(item)
            column.addWidget(item)
        column.addStretch(1)
        for item in (self.search, self.help, self.theme):
            column.addWidget(item)

    def show_chosen(self, screen: str) -> None:
        """Mark the screen that is shown."""
        self.items[screen].setChecked(True)

    def _next_theme(self) -> None:
        theme.set_mode(theme.MODES[(theme.MODES.index(theme.mode()) + 1) % len(theme.MODES)])

    def _show_theme(self) -> None:
        self.theme.set_drawing(*MODES[theme.mode()])


def _mark() -> QLabel:
    """The program's sign."""
    size = theme.CONTROL + theme.SPACE
    label = QLabel()
    ratio = label.devicePixelRatioF()
    pixmap = QPixmap(round(size * ratio), round(size * ratio))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(str(place("assets") / "icons" / "kdstudio.svg")).render(painter)
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    label.setPixmap(pixmap)
    return label
