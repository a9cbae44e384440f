"""The stages of a run in a row: done, running with its share, waiting, skipped."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from kdstudio import theme
from kdstudio.charts.figures import figure
from kdstudio.history import History, StageView
from kdstudio.history.journal import amount
from kdstudio.quantities import seconds, size

DOT = 14
LINK = 26
PAD = 7


class StageBar(QWidget):
    """Painted from the history; titles give way to the running stage's where there is little room."""

    def __init__(self) -> None:
        super().__init__()
        self._history = History()
        self._seen: tuple[object, ...] = ()
        self._bold = self.font()
        self._bold.setWeight(self._bold.Weight.DemiBold)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Stages")
        theme.signals.changed.connect(self.update)

    def show_history(self, history: History) -> None:
        """Speak of this run from now on."""
        self._history = history
        self.refresh()

    def refresh(self) -> None:
        """Paint what has changed, if anything that can be seen has."""
        stages = self._history.stages.values()
        seen = (self._history.state, *((s.title, s.state, round(30 * s.share())) for s in stages))
        if seen != self._seen:
            self._seen = seen
            self.update()

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(300, 26)

    def _widths(self) -> list[tuple[StageView, str, int]]:
        """Every stage with the title there is room for and its width."""
        metrics, stages = self.fontMetrics(), list(self._history.stages.values())
        full = [(s, s.title, DOT + PAD + metrics.horizontalAdvance(s.title)) for s in stages]
        if sum(w for *_, w in full) + LINK * len(full) <= self.width():
            return full
        return [(s, t, w) if s.name == self._history.stage else (s, "", DOT) for s, t, w in full]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dots, titles and the links between them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x, middle = 1.0, self.height() / 2
        for i, (stage, title, width) in enumerate(self._widths()):
            if i:
                painter.setPen(QPen(theme.colour("strong_line"), 1))
                painter.drawLine(QPointF(x + 6, middle), QPointF(x + LINK - 6, middle))
                x += LINK
            self._paint_dot(painter, QRectF(x, middle - DOT / 2, DOT, DOT).adjusted(1, 1, -1, -1), stage)
            running = stage.state == "running"
            painter.setPen(theme.colour("text" if running else "muted" if stage.state == "done" else "faint"))
            painter.setFont(self._bold if running else self.font())
            painter.drawText(QPointF(x + DOT + PAD, middle + self.fontMetrics().ascent() / 2 - 2), title)
            x += width
        painter.end()

    def _paint_dot(self, painter: QPainter, box: QRectF, stage: StageView) -> None:
        good = theme.colour("good")
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if stage.state == "done":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(good)
            painter.drawEllipse(box)
            painter.setPen(QPen(theme.colour("surface"), 1.6))
            c = box.center()
            painter.drawPolyline([c + QPointF(-2.6, 0.2), c + QPointF(-0.6, 2.2), c + QPointF(2.8, -2.0)])
        elif stage.state == "running":
            painter.setPen(QPen(theme.colour("line"), 3))
            painter.drawEllipse(box)
            tone = {"failed": "problem", "stopped": "warning", "interrupted": "warning"}.get(self._history.state, "accent")
            painter.setPen(QPen(theme.colour(tone), 3))
            painter.drawArc(box, 90 * 16, -round(360 * 16 * max(stage.share(), 0.03)))
        else:
            painter.setPen(QPen(theme.colour("strong_line"), 1.5))
            painter.drawEllipse(box)
            if stage.state == "skipped":
                painter.drawLine(box.center() - QPointF(2.6, 0), box.center() + QPointF(2.6, 0))

    def event(self, event: QEvent) -> bool:
        """A tooltip with what a stage is for and what it cost."""
        if isinstance(event, QHelpEvent):
            x = 0
            for stage, _, width in self._widths():
                if x <= event.pos().x() <= x + width + LINK / 2:
                    QToolTip.showText(event.globalPos(), describe(stage), self)
                    return True
                x += width + LINK
        return super().event(event)


class ProgressLine(QWidget):
    """How much of the running stage is done. Qt's own bar repaints at once at every change, and its page with it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(6)
        self._share = 0.0
        theme.signals.changed.connect(self.update)

    def share(self) -> float:
        """What is shown, from 0 to 1."""
        return self._share

    def set_share(self, share: float) -> None:
        """Show another share."""
        if round(share * self.width()) != round(self._share * self.width()):
            self.update()
        self._share = share

    def paintEvent(self, event: QPaintEvent) -> None:
        """A rounded line over a pale one."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for colour, width in (("line", float(self.width())), ("accent", self._share * self.width())):
            painter.setBrush(theme.colour(colour))
            painter.drawRoundedRect(QRectF(0, 0, width, self.height()), 3, 3)
        painter.end()


def describe(stage: StageView) -> str:
    """A stage in lines: title, help, how far, what it cost."""
    lines = [stage.title, *([stage.help] if stage.help else [])]
    if stage.state == "skipped":
        lines.append("not needed in this run")
    if stage.state == "running" and stage.progress is not None:
        lines.append(amount(stage.progress))
    elif stage.state == "running" and stage.steps:
        lines.append(f"step {stage.step:,} of {stage.steps:,}")
    if stage.ledger is not None:
        lines.append(seconds(stage.ledger.seconds) + (f", {stage.ledger.images:,} images" if stage.ledger.images else ""))
        if stage.ledger.peak_memory:
            lines.append(f"at most {size(stage.ledger.peak_memory)} of memory")
        if stage.ledger.joules is not None:
            lines.append(f"{figure(stage.ledger.joules)} J")
    return "\n".join(lines)
