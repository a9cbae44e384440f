"""How a hit is painted: icon, words, what is said beside them, and at the right its keys or what kind of thing it is."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from kdstudio import theme
from kdstudio.help.palette.hits import Hit
from kdstudio.widgets import icons

HIT = Qt.ItemDataRole.UserRole
ROW = theme.SPACE * 4 + theme.HALF
KIND = theme.SPACE * 8
"""Room for the kind at the right."""


class HitLines(QStyledItemDelegate):
    """One line for each hit."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """As high as a field."""
        return QSize(0, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """The line, on a soft ground where it is chosen or pointed at."""
        hit: Hit = index.data(HIT)
        rect: QRect = option.rect  # type: ignore[attr-defined]
        painter.save()
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):  # type: ignore[attr-defined]
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("accent_soft"))
            painter.drawRoundedRect(rect.adjusted(2, 1, -2, -1), theme.RADIUS - 2, theme.RADIUS - 2)
        inside = rect.adjusted(theme.SPACE, 0, -theme.SPACE, 0)
        if hit.icon:
            painter.drawPixmap(
                QPoint(inside.left(), inside.center().y() - theme.ICON // 2), icons.pixmap(hit.icon, "muted", theme.ICON)
            )
        inside.setLeft(inside.left() + theme.ICON + theme.SPACE)
        inside.setRight(inside.right() - self._kind(painter, inside, hit) - theme.SPACE)
        used = self._words(painter, inside, hit.words, "text")
        rest = inside.adjusted(used + theme.SPACE, 0, 0, 0)
        if rest.width() > theme.SPACE * 4:
            self._words(painter, rest, hit.detail, "faint")
        painter.restore()

    def _kind(self, painter: QPainter, inside: QRect, hit: Hit) -> int:
        """Keys or kind at the right; the room they take."""
        words = hit.keys or hit.group
        painter.setFont(theme.mono(theme.TEXT - 2) if hit.keys else theme.label_font())
        painter.setPen(theme.colour("muted" if hit.keys else "faint"))
        painter.drawText(inside, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), words)
        return max(KIND, painter.fontMetrics().horizontalAdvance(words))

    def _words(self, painter: QPainter, rect: QRect, words: str, tone: str) -> int:
        """Words on one line, with dots where they do not fit; the room they take."""
        font = painter.font()
        font.setFamily(theme.FAMILY)
        font.setPixelSize(theme.TEXT if tone == "text" else theme.TEXT - 1)
        painter.setFont(font)
        painter.setPen(theme.colour(tone))
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)
        return painter.fontMetrics().horizontalAdvance(shown)
