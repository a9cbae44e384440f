"""How an entry of the queue is painted: a dot, its title over what it is, how it stands at the right, and a sentence below."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from kdstudio import theme
from kdstudio.screens.queue.model import LINE, Line, movable
from kdstudio.widgets import icons
from kdstudio.widgets.texts import sentence_case

Index = QModelIndex | QPersistentModelIndex
TEXT = theme.SPACE * 6
"""Where the words begin."""
ASIDE = theme.SPACE * 22
"""Width of what stands at the right."""
STEP = theme.SPACE * 2 + theme.HALF
"""From one line of words to the next."""


class QueueLines(QStyledItemDelegate):
    """Rows of two lines, or of three where there is something to say."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """The height of the lines there are."""
        rows = 3 if index.data(LINE).sentence else 2
        return QSize(0, theme.SPACE * 3 + STEP * rows)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The row."""
        one: Line = index.data(LINE)
        box: QRect = option.rect.adjusted(0, 1, 0, -1)  # type: ignore[attr-defined]
        state = option.state  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._ground(painter, box, state)
        self._sign(painter, box, one)
        self._words(painter, box, one)
        if one.share >= 0:
            self._progress(painter, box, one)
        painter.restore()

    def _ground(self, painter: QPainter, box: QRect, state: QStyle.StateFlag) -> None:
        chosen, over = bool(state & QStyle.StateFlag.State_Selected), bool(state & QStyle.StateFlag.State_MouseOver)
        painter.setPen(theme.colour("accent") if state & QStyle.StateFlag.State_HasFocus else theme.colour("line"))
        painter.setBrush(theme.colour("accent_soft" if chosen else "raised" if over else "surface"))
        painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS - 2, theme.RADIUS - 2)

    def _sign(self, painter: QPainter, box: QRect, one: Line) -> None:
        if movable(one.entry):
            grip = icons.pixmap("grip", "faint", theme.ICON_SMALL)
            painter.drawPixmap(box.x() + theme.SPACE, box.y() + theme.GAP - theme.HALF // 2, grip)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(one.tone))
        painter.drawEllipse(QRectF(box.x() + theme.SPACE * 4, box.y() + theme.GAP + 1, theme.SPACE, theme.SPACE))

    def _words(self, painter: QPainter, box: QRect, one: Line) -> None:
        room = box.width() - TEXT - ASIDE - theme.GAP
        title, small = _font(theme.TEXT, QFont.Weight.Medium), _font(theme.TEXT - 1)
        at = box.y() + theme.SPACE + theme.HALF
        batch = f"  {one.entry.batch}" if one.entry.batch else ""
        shown = _elided(one.title, title, room)
        _draw(painter, box.x() + TEXT, at, room, shown, title, "text")
        taken = QFontMetrics(title).horizontalAdvance(shown)
        if batch and room - taken > theme.SPACE * 10:
            _draw(painter, box.x() + TEXT + taken, at, room - taken, _elided(batch, small, room - taken), small, "faint")
        _draw(painter, box.x() + TEXT, at + STEP, room, _elided(one.gist, small, room), small, "muted")
        right = box.right() - theme.GAP - ASIDE
        state = "text" if one.tone == "faint" else one.tone
        _draw(painter, right, at, ASIDE, sentence_case(one.state), small, state, Qt.AlignmentFlag.AlignRight)
        _draw(painter, right, at + STEP, ASIDE, one.time, small, "muted", Qt.AlignmentFlag.AlignRight)
        if one.sentence:
            tone = one.tone if one.tone in ("problem", "warning") else "muted"
            wide = box.width() - TEXT - theme.GAP
            _draw(painter, box.x() + TEXT, at + 2 * STEP, wide, _elided(sentence_case(one.sentence), small, wide), small, tone)

    def _progress(self, painter: QPainter, box: QRect, one: Line) -> None:
        wide = box.width() - TEXT - theme.GAP
        track = QRectF(box.x() + TEXT, box.bottom() - theme.HALF - 1, wide, 3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("line"))
        painter.drawRoundedRect(track, 1.5, 1.5)
        painter.setBrush(theme.colour("accent"))
        painter.drawRoundedRect(QRectF(track.x(), track.y(), wide * min(1.0, one.share), 3), 1.5, 1.5)


def _font(size: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    font = QFont(theme.FAMILY)
    font.setPixelSize(size)
    font.setWeight(weight)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def _elided(words: str, font: QFont, room: int) -> str:
    return QFontMetrics(font).elidedText(words, Qt.TextElideMode.ElideRight, room)


def _draw(
    painter: QPainter, x: int, y: int, room: int, words: str, font: QFont, tone: str,
    side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:  # fmt: skip
    painter.setFont(font)
    painter.setPen(theme.colour(tone))
    painter.drawText(QRect(x, y, room, STEP), int(side | Qt.AlignmentFlag.AlignVCenter), words)
