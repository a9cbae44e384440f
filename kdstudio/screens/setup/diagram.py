"""The pipeline of an experiment as a picture: boxes in columns, wires between them in the colour of what flows."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from kdstudio import theme
from kdstudio.help.topics import Topic
from kdstudio.screens.setup.pipeline import Box, Kind, Pipeline, Wire
from kdstudio.widgets import icons

LINE, TITLE = 2 * theme.SPACE + 1, 3 * theme.SPACE
"""Height of a line and of a title."""
BETWEEN = theme.SPACE * 5
"""Least room between two columns, for the wires."""
WIDEST = theme.SPACE * 30
"""Width of a box at most."""
KEY = theme.SPACE * 3
"""Height of the line that says what the colours mean."""
LANE = theme.SPACE
"""Height of a lane below the boxes, for a wire that passes a column."""
TONES: dict[Kind, int] = {"images": 5, "labels": 4, "logits": 0, "maps": 2, "loss": 1}
"""Which colour of a curve each kind of wire has."""


class Diagram(QWidget):
    """A click on a box leads to the setting it shows: `path_requested`. Pointed at, or reached by the arrow keys, a box keeps
    its wires and pales the others."""

    path_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.pipeline = Pipeline((), (), ())
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Pipeline")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._pointed, self._chosen = "", ""
        theme.signals.changed.connect(self.update)

    def show_pipeline(self, pipeline: Pipeline) -> None:
        """Show this one."""
        if pipeline != self.pipeline:
            self.pipeline = pipeline
            self._pointed = ""
            self.setAccessibleDescription(pipeline.in_words())
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        """As high as the highest column."""
        heights = defaultdict[int, int](int)
        for box in self.pipeline.boxes:
            heights[box.column] += _high(box) + theme.GAP
        return QSize(BETWEEN * 12, max(heights.values(), default=0) + len(self._passing()) * LANE + KEY)

    def minimumSizeHint(self) -> QSize:
        """Words are elided where there is less room, lines are not."""
        return QSize(BETWEEN * 10, self.sizeHint().height())

    def help_topic(self) -> Topic:
        """What F1 says of the chosen box, or of the picture."""
        box = self._box(self._chosen)
        if box is None:
            return Topic("Pipeline", self.pipeline.in_words())
        return Topic(box.title, box.help, tuple((port.name, port.words) for port in box.ports))

    # Where things are

    def _passing(self) -> list[tuple[str, str]]:
        """Where wires begin that pass a column on their way: these have a lane of their own below the boxes."""
        columns = {box.key: box.column for box in self.pipeline.boxes}
        used = sorted(set(columns.values()))
        at = {key: used.index(column) for key, column in columns.items()}
        passing = [wire for wire in self.pipeline.wires if at[wire.target] - at[wire.source] > 1]
        return list(dict.fromkeys((wire.source, wire.port) for wire in passing))

    def places(self) -> dict[str, QRectF]:
        """Where each box is, by its key."""
        used = sorted({box.column for box in self.pipeline.boxes})
        if not used:
            return {}
        wide = min(WIDEST, (self.width() - 2 - BETWEEN * (len(used) - 1)) / len(used))
        step = (self.width() - 2 - wide) / max(1, len(used) - 1)
        return {
            box.key: QRectF(1 + used.index(column) * step, top, wide, _high(box))
            for column in used for box, top in self._column(column)
        }  # fmt: skip

    def _column(self, column: int) -> list[tuple[Box, float]]:
        """The boxes of a column with their tops, in the middle of the height."""
        boxes = [box for box in self.pipeline.boxes if box.column == column]
        whole = sum(_high(box) for box in boxes) + theme.GAP * (len(boxes) - 1)
        top, found = (self.height() - KEY - len(self._passing()) * LANE - whole) / 2, []
        for box in boxes:
            found.append((box, top))
            top += _high(box) + theme.GAP
        return found

    def _curves(self, places: dict[str, QRectF]) -> list[tuple[Wire, QPainterPath]]:
        """Each wire from where it leaves to where it arrives; those that arrive at one box are spread over its side."""
        boxes = {box.key: box for box in self.pipeline.boxes}
        starts = {wire: _leaving(boxes[wire.source], places[wire.source], wire.port) for wire in self.pipeline.wires}
        floor, passing = self.height() - KEY - len(self._passing()) * LANE, self._passing()
        lane = {begin: floor + LANE * number for number, begin in enumerate(passing)}
        lanes = {w: lane[w.source, w.port] for w in self.pipeline.wires if (w.source, w.port) in lane}
        found = []
        for key, place in places.items():
            into = [wire for wire in self.pipeline.wires if wire.target == key]
            into.sort(key=lambda w: (lanes.get(w, starts[w].y()), w.port))
            for number, wire in enumerate(into, 1):
                end = QPointF(place.left(), place.top() + place.height() * number / (len(into) + 1))
                path = _below(starts[wire], end, lanes[wire]) if wire in lanes else _curve(starts[wire], end)
                found.append((wire, path))
        return found

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Wires below, boxes above, and what the colours mean."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        places = self.places()
        lit = self._pointed or (self._chosen if self.hasFocus() else "")
        for wire, path in self._curves(places):
            colour = theme.series(TONES[wire.kind])
            colour.setAlphaF(1.0 if not lit or lit in (wire.source, wire.target) else 0.15)
            painter.setPen(QPen(colour, 1.6))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(path)
            painter.setBrush(colour)
            painter.drawEllipse(path.pointAtPercent(1.0), 2.5, 2.5)
        for box in self.pipeline.boxes:
            self._paint_box(painter, box, places[box.key], box.key == lit)
        self._paint_key(painter)
        painter.end()

    def _paint_box(self, painter: QPainter, box: Box, place: QRectF, lit: bool) -> None:
        painter.setPen(QPen(theme.colour("accent" if lit else "strong_line"), 1.0))
        painter.setBrush(theme.colour("accent_soft" if lit else "raised"))
        painter.drawRoundedRect(place, theme.RADIUS - 2, theme.RADIUS - 2)
        sign = icons.pixmap(box.icon, "muted", theme.ICON_SMALL)
        painter.drawPixmap(QPointF(place.left() + theme.SPACE, place.top() + theme.SPACE + 1), sign)
        title = QRectF(place.left() + theme.SPACE + theme.ICON_SMALL + theme.HALF + 2, place.top() + theme.HALF, 0, TITLE)
        title.setRight(place.right() - theme.SPACE)
        _write(painter, title, box.title, "text", _bold())
        at = QRectF(place.left() + theme.SPACE, place.top() + theme.HALF + TITLE, place.width() - 2 * theme.SPACE, LINE)
        for line in box.lines:
            _write(painter, at, line, "muted", theme.label_font())
            at.translate(0, LINE)
        for port in box.ports:
            _write(painter, at, port.words, "faint", theme.label_font(), Qt.AlignmentFlag.AlignRight)
            at.translate(0, LINE)

    def _paint_key(self, painter: QPainter) -> None:
        """The kinds that there are, each in its colour."""
        kinds = [kind for kind in TONES if any(wire.kind == kind for wire in self.pipeline.wires)]
        x, middle = 1.0, self.height() - KEY / 2 + 1
        painter.setFont(theme.label_font())
        for kind in kinds:
            painter.setPen(QPen(theme.series(TONES[kind]), 2.0))
            painter.drawLine(QPointF(x, middle), QPointF(x + theme.GAP, middle))
            painter.setPen(theme.colour("faint"))
            wide = painter.fontMetrics().horizontalAdvance(kind)
            painter.drawText(QRectF(x + theme.GAP + theme.HALF, middle - LINE / 2, wide + 2, LINE), int(_left()), kind)
            x += wide + 3 * theme.GAP

    # Pointing and choosing

    def _box(self, key: str) -> Box | None:
        return next((box for box in self.pipeline.boxes if box.key == key), None)

    def _at(self, point: QPointF) -> str:
        return next((key for key, place in self.places().items() if place.contains(point)), "")

    def _point_at(self, key: str) -> None:
        if key != self._pointed:
            self._pointed = key
            self.setCursor(Qt.CursorShape.PointingHandCursor if key else Qt.CursorShape.ArrowCursor)
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light the box under the pointer."""
        self._point_at(self._at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Light nothing."""
        self._point_at("")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Lead to the box's setting."""
        self._lead(self._at(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go from box to box, Return leads to the setting."""
        keys = [box.key for box in self.pipeline.boxes]
        steps: dict[Any, int] = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}
        if event.key() in steps and keys:
            at = keys.index(self._chosen) + steps[event.key()] if self._chosen in keys else 0
            self._chosen = keys[max(0, min(len(keys) - 1, at))]
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._lead(self._chosen)
        else:
            super().keyPressEvent(event)

    def _lead(self, key: str) -> None:
        box = self._box(key)
        if box is not None:
            self.path_requested.emit(box.path)

    def event(self, event: QEvent) -> bool:
        """What a box is, while the pointer rests on it."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            box = self._box(self._at(QPointF(event.pos())))
            words = "<br>".join([f"<b>{box.title}</b>", box.help, *box.lines]) if box else ""
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)


def _high(box: Box) -> int:
    return TITLE + LINE * (len(box.lines) + len(box.ports)) + 2 * theme.HALF + theme.HALF


def _leaving(box: Box, place: QRectF, port: str) -> QPointF:
    """Where a wire leaves: at its port's line, or the middle of the right side."""
    names = [each.name for each in box.ports]
    if port not in names:
        return QPointF(place.right(), place.center().y())
    line = len(box.lines) + names.index(port)
    return QPointF(place.right(), place.top() + theme.HALF + TITLE + LINE * (line + 0.5))


def _curve(start: QPointF, end: QPointF) -> QPainterPath:
    path = QPainterPath(start)
    bend = max(theme.MARGIN, (end.x() - start.x()) / 2)
    path.cubicTo(QPointF(start.x() + bend, start.y()), QPointF(end.x() - bend, end.y()), end)
    return path


def _below(start: QPointF, end: QPointF, lane: float) -> QPainterPath:
    """Down from the start, along a lane, and up to the end."""
    path, bend = QPainterPath(start), BETWEEN * 0.5
    path.cubicTo(start + QPointF(bend, 0), QPointF(start.x(), lane), QPointF(start.x() + BETWEEN, lane))
    path.lineTo(end.x() - BETWEEN, lane)
    path.cubicTo(QPointF(end.x(), lane), end - QPointF(bend, 0), end)
    return path


def _left() -> Qt.AlignmentFlag:
    return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def _bold() -> QFont:
    font = theme.label_font()
    font.setWeight(QFont.Weight.DemiBold)
    return font


def _write(
    painter: QPainter, at: QRectF, words: str, tone: str, font: QFont, side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft
) -> None:
    """Words on one line, elided where they do not fit."""
    painter.setFont(font)
    painter.setPen(QColor(theme.colour(tone)))
    shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(at.width()))
    painter.drawText(at, int(side | Qt.AlignmentFlag.AlignVCenter), shown)
