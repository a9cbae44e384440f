"""The area in which curves are drawn: pyqtgraph, kept to what is cheap (no antialiasing, pens one pixel wide)."""

from __future__ import annotations

from collections.abc import Callable

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QGraphicsGridLayout, QLabel

from kdstudio import theme
from kdstudio.charts.axes import HEIGHT, WIDTH, Axis
from kdstudio.charts.figures import round_range, tabular
from kdstudio.charts.steady import Steady
from kdstudio.charts.strokes import Strokes


class Canvas(pg.GraphicsView):  # type: ignore[misc]  # pyqtgraph has no types
    """Two axes, the curves between them, a cross at the pointer. The wheel scrolls the page; with Ctrl it zooms; dragging zooms
    into a rectangle; a double click shows everything again. Put together by hand: pyqtgraph's PlotItem brings menus and
    controls that nobody sees and that take most of the time in which it is made."""

    pointed = Signal(float, float)
    """The pointer is at these coordinates of the view."""
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.across, self.up = Axis("bottom"), Axis("left")
        self.box = pg.ViewBox(enableMenu=False, defaultPadding=0)
        self.box.setMouseMode(self.box.RectMode)
        self.box.disableAutoRange()
        self.setMinimumHeight(90)
        self._put_together()
        self.zoomed = self._was_zoomed = False
        self.box.sigRangeChangedManually.connect(self._zoomed)
        self.strokes = Strokes()
        self.box.addItem(self.strokes, ignoreBounds=True)
        self._range: tuple[float, ...] = ()
        self.cursor_line, self.cursor_level = pg.InfiniteLine(angle=90), pg.InfiniteLine(angle=0)
        for line in (self.cursor_line, self.cursor_level):
            line.setVisible(False)
            self.box.addItem(line, ignoreBounds=True)
        self.scene().sigMouseMoved.connect(self._moved)
        self.cursor_words = Steady(" step 00,000,000 ", "text", theme.TEXT - 2, Qt.AlignmentFlag.AlignHCenter)
        self.cursor_words.ground = "surface"
        self.cursor_words.setParent(self)
        self.cursor_words.adjustSize()
        self.cursor_words.hide()
        self.news = theme.set_role(QLabel(self), "chip")
        self.news.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.news.hide()
        self._across_name = QLabel(self)
        self._across_name.setFont(tabular(theme.TEXT - 2))
        theme.set_role(self._across_name, "faint")
        self.dress()

    def _put_together(self) -> None:
        plot = pg.GraphicsWidget()
        grid = QGraphicsGridLayout(plot)
        grid.setContentsMargins(0, 5, 12, 0)
        grid.setSpacing(0)
        for item, row, column in ((self.up, 0, 0), (self.box, 0, 1), (self.across, 1, 1)):
            grid.addItem(item, row, column)
        for axis in (self.across, self.up):
            axis.linkToView(self.box)
            axis.setZValue(self.box.zValue() - 1)  # its grid lies below the curves
        self.setCentralItem(plot)

    def set_across(self, name: str) -> None:
        """What the x axis counts, written below the y axis."""
        self._across_name.setText(name)
        self._across_name.adjustSize()
        self._seat_name()

    def _seat_name(self) -> None:
        self._across_name.move(0, self.height() - self._across_name.height() - 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The name of the x axis stays in its corner."""
        super().resizeEvent(event)
        if hasattr(self, "_across_name"):
            self._seat_name()

    def dress(self) -> None:
        """Put on the colours and the font of the theme."""
        self.setBackground(theme.colour("surface"))
        for axis in (self.across, self.up):
            axis.dress()
        self.up.setGrid(255)
        for line in (self.cursor_line, self.cursor_level):
            line.setPen(QPen(theme.colour("muted"), 0, Qt.PenStyle.DotLine))

    def frame(self, x: tuple[float, float], y: tuple[float, float], *, log: bool) -> None:
        """Show a range, rounded outwards in y; left alone while the user has zoomed."""
        if self.zoomed:
            return
        low, high = (y[0] - 0.04, y[1] + 0.04) if log else round_range(*y)
        if log and high - low < 0.2:
            low, high = low - 0.1, high + 0.1
        if (*x, low, high) != self._range or self._was_zoomed:
            self._range, self._was_zoomed = (*x, low, high), False
            self.box.setRange(xRange=x, yRange=(low, high), padding=0, disableAutoRange=True)

    def point_at(self, x: float, y: float, words: str, news: str = "") -> None:
        """Move the cross, with words at its foot, and at its head what happened there or which curve is meant."""
        for line, value in ((self.cursor_line, x), (self.cursor_level, y)):
            line.setValue(value)
            line.setVisible(True)
        self._tell(x, news)
        self.cursor_words.set_text(words)
        foot = self.mapFromScene(self.box.mapViewToScene(QPointF(x, 0.0)))
        room = self.width() - self.cursor_words.width()
        self.cursor_words.move(min(max(0, foot.x() - self.cursor_words.width() // 2), room), self.height() - HEIGHT)
        self.cursor_words.show()

    def follow(self, x: float) -> None:
        """The pointer is in another plot, over this place: only the upright line of the cross."""
        self.unpoint()
        self.cursor_line.setValue(x)
        self.cursor_line.setVisible(True)

    def _tell(self, x: float, news: str) -> None:
        self.news.setVisible(bool(news))
        if news:
            self.news.setText(self.news.fontMetrics().elidedText(news, Qt.TextElideMode.ElideRight, self.width() - 2 * WIDTH))
            self.news.adjustSize()
            head = self.mapFromScene(self.box.mapViewToScene(QPointF(x, 0.0)))
            self.news.move(min(max(WIDTH, head.x() + 4), self.width() - self.news.width() - 4), 4)

    def pixel(self) -> tuple[float, float]:
        """How much a pixel is across and up, in coordinates of the view."""
        across, up = self.box.viewPixelSize()
        return float(across), float(up)

    def _zoomed(self, *_: object) -> None:
        self.zoomed = self._was_zoomed = True

    def _moved(self, at: QPointF) -> None:
        if self.box.sceneBoundingRect().contains(at):
            place = self.box.mapSceneToView(at)
            self.pointed.emit(place.x(), place.y())

    def leaveEvent(self, event: QEvent) -> None:
        """Values go back to the newest."""
        super().leaveEvent(event)
        self.unpoint()
        self.left.emit()

    def unpoint(self) -> None:
        """No cross any more."""
        self.cursor_line.setVisible(False)
        self.cursor_level.setVisible(False)
        self.news.hide()
        self.cursor_words.set_text("")
        self.cursor_words.hide()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with Ctrl; otherwise the page scrolls."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
        else:
            event.ignore()

    def on_double_click(self, call: Callable[[], None]) -> None:
        """What a double click does beside showing everything again."""
        self._double = call

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show everything again."""
        self.zoomed = False
        self._double()
