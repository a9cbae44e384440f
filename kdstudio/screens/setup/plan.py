"""The panel beside the form: whether the experiment can run, what it comes to, how else to run it, and Start."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QScrollArea, QWidget

from engine import presets
from engine.pairing import by
from engine.presets import Problem
from kdstudio import commands, theme
from kdstudio.quantities import short
from kdstudio.screens.setup import outline
from kdstudio.screens.setup.estimate import Estimate
from kdstudio.screens.setup.tables import grid
from kdstudio.store import Store
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import IconButton, IconLabel, TextButton
from kdstudio.widgets.texts import label, rule, sentence_case, wrapped

START = "Start"


class Said(QFrame):
    """A problem or a warning; a click leads to the setting it is about."""

    clicked = Signal(str)

    def __init__(self, name: str, tone: str, words: str, path: str = "", where: str = "") -> None:
        super().__init__()
        self.path = path
        theme.set_role(self, "banner")
        self.setProperty("tone", tone)
        row = boxes.row(theme.SPACE, self)
        boxes.pad(row, theme.SPACE)
        row.addWidget(IconLabel(name, tone), 0, Qt.AlignmentFlag.AlignTop)
        said = boxes.column(0)
        if where:
            said.addWidget(label(where, "label"))
        said.addWidget(wrapped(words))
        row.addLayout(said, 1)
        if path:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
            self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.setToolTip(f"Go to {path}")
            self.setAccessibleName(words)

    def mousePressEvent(self, event: object) -> None:
        """Lead to the setting."""
        self.clicked.emit(self.path)

    def keyPressEvent(self, event: object) -> None:
        """Return and Space lead there too."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):  # type: ignore[attr-defined]
            self.clicked.emit(self.path)


class Fold(QWidget):
    """A text to copy, folded away until wanted."""

    def __init__(self, words: str, lines: int) -> None:
        super().__init__()
        self.fold = TextButton(words, "unfold", "chevron-right")
        self.copy = IconButton("copy", f"Copy: {words}")
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self._most = lines
        theme.set_role(self.text, "mono")
        self.text.setFont(theme.mono())
        self.text.hide()
        self.fold.clicked.connect(lambda: self.open(self.text.isHidden()))
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        head = boxes.row(theme.SPACE)
        head.addWidget(self.fold)
        head.addStretch(1)
        head.addWidget(self.copy)
        column = boxes.column(theme.HALF, self)
        column.addLayout(head)
        column.addWidget(self.text)

    def open(self, shown: bool) -> None:
        """Show or fold the text."""
        self.text.setVisible(shown)
        self._fit()
        self.fold.set_icon("chevron-down" if shown else "chevron-right")

    def set_text(self, text: str) -> None:
        """Replace the text."""
        if text != self.text.toPlainText():
            self.text.setPlainText(text)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other widths wrap in other places."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """As high as the text, up to a limit."""
        lines = min(self._most, max(1, round(self.text.document().size().height())))
        self.text.setFixedHeight(lines * self.text.fontMetrics().lineSpacing() + theme.MARGIN + theme.SPACE)


class Plan(QFrame):
    """Checks, sizes, loss, stages, the command line, the YAML, and Start."""

    start_requested = Signal()
    path_requested = Signal(str)

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        theme.set_role(self, "panel")
        self.setFixedWidth(theme.SIDE)
        self.checks = boxes.column(theme.SPACE)
        self.outline = boxes.column(theme.GAP)
        self._shown_checks: tuple[tuple[Problem, ...], ...] = ()
        self._shown_outline: outline.Outline | None = None
        self.estimate = Estimate(store)
        self.command = Fold("Same in a terminal", 8)
        self.yaml = Fold("Differences as YAML", 14)
        self.start = TextButton(START, "primary", "play")
        self.start.setMinimumHeight(theme.CONTROL + theme.SPACE)
        self.start.clicked.connect(self.start_requested)
        commands.press(self, self.start, "Start the experiment", keys="Ctrl+Return", icon="play")
        self.hint = wrapped("", "faint")
        self._lay_out()

    def refresh(self) -> None:
        """Show what the store says."""
        store = self._store
        checks = (store.problems, store.warnings)
        if checks != self._shown_checks:
            self._shown_checks = checks
            self._show_checks()
        comes_to = outline.of(store.resolved().experiment, store.catalogue)
        if comes_to != self._shown_outline:
            self._shown_outline = comes_to
            self._show_outline(comes_to)
        self.estimate.refresh()
        self.command.set_text(self._store.command())
        self.yaml.set_text(presets.differences(self._store.resolved(), catalogue=self._store.catalogue))
        self._allow()

    def set_start(self, words: str = START, icon: str = "play", sentence: str = "") -> None:
        """What Start does now, and a sentence under it where that needs one."""
        self.start.setText(words)
        self.start.set_icon(icon)
        self.hint.setText(sentence)
        self.hint.setVisible(bool(sentence))

    def _allow(self) -> None:
        self.start.setEnabled(not self._store.problems)

    def _show_checks(self) -> None:
        boxes.empty(self.checks)
        for problem in self._store.problems:
            self._say("problem", "problem", problem)
        for warning in self._store.warnings:
            self._say("warning", "warning", warning)
        if not self._store.problems:
            self.checks.addWidget(Said("good", "good", "Ready to start"))

    def _say(self, name: str, tone: str, problem: Problem) -> None:
        where = self._store.words_for(problem.path)
        said = Said(name, tone, sentence_case(problem.sentence), problem.path, where)
        said.clicked.connect(self.path_requested, Qt.ConnectionType.QueuedConnection)
        self.checks.addWidget(said)

    def _show_outline(self, comes_to: outline.Outline | None) -> None:
        boxes.empty(self.outline)
        if comes_to is not None:
            self.outline.addWidget(_titled("Sizes", _sizes(comes_to)))
            self.outline.addWidget(_titled("Loss", _loss(comes_to)))
            for paired in comes_to.pairs:
                self.outline.addWidget(_titled(f"{paired.method} compares", _pairs(paired)))
            self.outline.addWidget(_titled("Stages", _stages(comes_to)))

    def _lay_out(self) -> None:
        inner = theme.set_role(QWidget(), "clear")
        column = boxes.column(theme.GAP, inner)
        boxes.pad(column, theme.GAP)
        column.addWidget(label("Plan", "heading"))
        column.addLayout(self.checks)
        column.addLayout(self.outline)
        column.addWidget(_titled("Time and memory", self.estimate))
        column.addWidget(rule())
        folds = boxes.column(theme.HALF)
        folds.addWidget(self.command)
        folds.addWidget(self.yaml)
        column.addLayout(folds)
        column.addStretch(1)
        area = _Area()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        inner.installEventFilter(area)
        foot = boxes.column(theme.SPACE)
        boxes.pad(foot, theme.GAP)
        foot.addWidget(self.start)
        foot.addWidget(self.hint)
        self.hint.hide()
        outer = boxes.column(0, self)
        outer.addWidget(area)
        outer.addWidget(rule())
        outer.addLayout(foot)
        boxes.pad(outer, 1)


class _Area(QScrollArea):
    """Asks for as much room as what it holds needs, and scrolls where there is less."""

    def sizeHint(self) -> QSize:
        """The height of everything inside at the width of the panel."""
        inner = self.widget()
        layout = inner.layout() if inner is not None else None
        if layout is None:
            return QSize(theme.SIDE, 0)
        return QSize(theme.SIDE, max(layout.heightForWidth(theme.SIDE - 2), layout.minimumSize().height()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ask anew when what is inside changes its size."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
        return super().eventFilter(watched, event)


def _titled(words: str, body: QWidget) -> QWidget:
    made = QWidget()
    column = boxes.column(theme.HALF, made)
    column.addWidget(label(words.upper(), "overline"))
    column.addWidget(body)
    return made


def _sizes(comes_to: outline.Outline) -> QWidget:
    rows = [(who, short(parameters), short(multiply_adds)) for who, parameters, multiply_adds in comes_to.sizes]
    made = QWidget()
    column = boxes.column(theme.HALF, made)
    column.addWidget(grid(rows, ("", "parameters", "multiply-adds")))
    column.addWidget(label(f"on {comes_to.counted}", "faint"))
    if comes_to.quantized:
        column.addWidget(wrapped(f"Student of {comes_to.quantized}", "muted"))
    return made


def _loss(comes_to: outline.Outline) -> QWidget:
    return grid([(summand.words, f"× {summand.weight:.4g}") for summand in comes_to.loss])


def _stages(comes_to: outline.Outline) -> QWidget:
    made = QWidget()
    column = boxes.column(theme.HALF, made)
    column.addWidget(wrapped("  →  ".join(comes_to.stages)))
    if comes_to.repeated:
        column.addWidget(label(comes_to.repeated, "faint"))
    return made


def _pairs(paired: outline.Paired) -> QWidget:
    """Each pair of maps, the student's and the teacher's it learns from, and below how they come together."""
    made = QWidget()
    column = boxes.column(theme.HALF, made)
    for match in paired.matches:
        column.addWidget(wrapped(f"{_map(match.student, match.student_shape)}  ←  {_map(match.teacher, match.teacher_shape)}"))
    for words in dict.fromkeys(match.how() for match in paired.matches):
        column.addWidget(wrapped(sentence_case(words), "faint"))
    if paired.parameters:
        column.addWidget(label(f"{short(paired.parameters)} parameters only for training", "faint"))
    return made


def _map(tap: str, shape: tuple[int, ...]) -> str:
    """A tap and its shape, never broken between two lines."""
    return f"{tap} {by(shape)}".replace(" ", "\u00a0")
