"""How cells of the table of runs are painted: a state's dot, a title with its tags, a small curve."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from kdstudio import theme
from kdstudio.screens.runs.table import CURVES, PARENT, TAGS
from kdstudio.widgets import icons

Curve = Sequence[float]
ROOM = theme.SPACE
"""Between what is painted in a cell and its edges."""


class Dots(QStyledItemDelegate):
    """Paints a state's colour as a dot before its word."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        """Room for the dot, without the square Qt would paint."""
        super().initStyleOption(option, index)
        option.decorationSize = QSize(10, 10)  # type: ignore[attr-defined]
        option.icon = type(option.icon)()  # type: ignore[attr-defined]

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        """Word, then dot."""
        super().paint(painter, option, index)
        colour = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(colour, QColor):
            box = option.rect  # type: ignore[attr-defined]
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(QRectF(box.x() + 9, box.center().y() - 3.5, 8, 8))
            painter.restore()


class Titles(QStyledItemDelegate):
    """Paints a title, a sign before it where the run branched from another, and its tags after it, as far as they fit."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        """Room for the sign, and the title elided before the tags."""
        super().initStyleOption(option, index)
        if index.data(PARENT):
            option.icon = icons.icon("branch", "muted", theme.ICON_SMALL)  # type: ignore[attr-defined]
            option.decorationSize = QSize(theme.ICON_SMALL, theme.ICON_SMALL)  # type: ignore[attr-defined]
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration  # type: ignore[attr-defined]

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        """Title, then tags from the right."""
        super().paint(painter, option, index)
        tags = index.data(TAGS) or ()
        box: QRect = option.rect  # type: ignore[attr-defined]
        used = QFontMetrics(option.font).horizontalAdvance(str(index.data())) + 3 * ROOM  # type: ignore[attr-defined]
        used += theme.ICON_SMALL + ROOM if index.data(PARENT) else 0
        font = theme.label_font()
        metrics = QFontMetrics(font)
        painter.save()
        painter.setFont(font)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        at = box.left() + used
        for tag in tags:
            width = metrics.horizontalAdvance(tag) + 2 * ROOM
            if at + width > box.right() - theme.HALF:
                break
            _chip(painter, QRectF(at, box.center().y() - 9.5, width, 20), tag)
            at += width + theme.HALF
        painter.restore()


class Sparks(QStyledItemDelegate):
    """Paints curves over the width of a cell, each between its own least and greatest value."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        """The ground, then a line for each run."""
        super().paint(painter, option, index)
        box = QRectF(option.rect).adjusted(ROOM, 9, -ROOM, -9)  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("accent"), 1.25))
        for curve in index.data(CURVES) or ():
            if len(curve) > 1:
                painter.drawPolyline(spark(curve, box))
        painter.restore()


def spark(curve: Curve, box: QRectF) -> QPolygonF:
    """A curve as points in a box: its least value at the bottom, its greatest at the top; a level one in the middle."""
    low, high = min(curve), max(curve)
    across = box.width() / (len(curve) - 1)
    shares = [(value - low) / (high - low) if high > low else 0.5 for value in curve]
    return QPolygonF([QPointF(box.left() + i * across, box.bottom() - s * box.height()) for i, s in enumerate(shares)])


def _chip(painter: QPainter, box: QRectF, words: str) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("raised"))
    painter.drawRoundedRect(box, 10, 10)
    painter.setPen(theme.colour("muted"))
    painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), words)
