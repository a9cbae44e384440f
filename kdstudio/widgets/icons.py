"""The icons: one family of outlines in `assets/icons`, tinted when painted so that they follow the theme."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QToolButton, QWidget

from engine.shipped import place
from kdstudio import theme


@lru_cache(maxsize=128)
def _drawing(name: str) -> str:
    return (place("assets") / "icons" / f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def _tinted(name: str, tint: str, size: int, ratio: float) -> QPixmap:
    pixmap = QPixmap(round(size * ratio), round(size * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    drawing = QSvgRenderer(QByteArray(_drawing(name).replace("currentColor", tint).encode()))
    drawing.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap


def pixmap(name: str, tone: str = "text", size: int = theme.ICON) -> QPixmap:
    """An icon in a colour of the present scheme; `tone` is a field of `theme.Colours`."""
    app = QApplication.instance()
    ratio = app.devicePixelRatio() if isinstance(app, QApplication) else 1.0
    return _tinted(name, getattr(theme.colours(), tone), size, ratio)


def icon(name: str, tone: str = "text", size: int = theme.ICON) -> QIcon:
    """An icon for buttons and menus, paler where disabled."""
    made = QIcon(pixmap(name, tone, size))
    made.addPixmap(pixmap(name, "strong_line", size), QIcon.Mode.Disabled)
    return made


class IconButton(QToolButton):
    """A small button that is only an icon; its name is read out and shown as a tooltip."""

    def __init__(
        self, name: str, words: str, *, tone: str = "muted", size: int = theme.ICON, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._drawn = (name, tone, size)
        self.setToolTip(words)
        self.setAccessibleName(words)
        self.setAutoRaise(True)
        self.setIconSize(QSize(size, size))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme.set_role(self, "icon")
        self._tint()
        theme.signals.changed.connect(self._tint)

    def set_icon(self, name: str, words: str) -> None:
        """Show another icon with other words."""
        self._drawn = (name, *self._drawn[1:])
        self.setToolTip(words)
        self.setAccessibleName(words)
        self._tint()

    def _tint(self) -> None:
        self.setIcon(icon(*self._drawn))


class TextButton(QPushButton):
    """A button with words and perhaps an icon before them."""

    def __init__(self, words: str, role: theme.Role = "secondary", name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(words, parent)
        self._name = name
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setIconSize(QSize(theme.ICON, theme.ICON))
        theme.set_role(self, role)
        self._tint()
        theme.signals.changed.connect(self._tint)

    def set_icon(self, name: str) -> None:
        """Show another icon."""
        self._name = name
        self._tint()

    def _tint(self) -> None:
        tones = {"primary": "on_accent", "danger": "problem", "link": "accent", "fold": "muted"}
        if self._name:
            self.setIcon(icon(self._name, tones.get(self.property("role"), "text")))


class IconLabel(QLabel):
    """An icon that is no button."""

    def __init__(self, name: str, tone: str = "muted", size: int = theme.ICON, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawn = (name, tone, size)
        self.setFixedSize(size, size)
        self._tint()
        theme.signals.changed.connect(self._tint)

    def set_icon(self, name: str, tone: str) -> None:
        """Show another icon."""
        self._drawn = (name, tone, self._drawn[2])
        self._tint()

    def _tint(self) -> None:
        self.setPixmap(pixmap(*self._drawn))
