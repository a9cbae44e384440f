"""The card on which a finished student is tried: images are dropped or opened, and the nets answer side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from engine.decoding.images import ENDINGS
from kdstudio import baselines, theme
from kdstudio.background.chores import Chores
from kdstudio.baselines import Baseline
from kdstudio.charts.answers import Answers
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.picker import Picker
from kdstudio.history import History
from kdstudio.screens.run.trial import Trial
from kdstudio.widgets.icons import TextButton

KINDS = f"Images ({' '.join(sorted('*' + ending for ending in ENDINGS))})"
TO_DO = "Drop images here, or open some: the student says what it takes them for{}."
NOT_YET = "When the run is done its student can be tried here, on images of your own."


class TryCard(Card):
    """Asks the run's student, its teacher where that is at hand, and another finished run if one is picked."""

    def __init__(self, history: History) -> None:
        super().__init__("Try it", "", "What the student takes images of your own for; their middle squares are looked at")
        self.span, self.rest = 2, 1.0
        self.history = history
        self.trial, self.answers = Trial(self), Answers()
        self.open = TextButton("Open images…", "secondary", "folder")
        self.beside = Picker("Another run to ask as well")
        self._asked: list[str] = []
        self._looked = False
        self._chores = Chores(self)
        self._chores.failed.connect(self._failed)
        self._waiting = Waiting(NOT_YET)
        self._notes = theme.set_role(QLabel(), "faint")
        self._notes.setWordWrap(True)
        self._notes.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._stack = QStackedWidget()
        self._build()

    def _build(self) -> None:
        self.beside.offer([("no other run", None)])
        self.beside.setMaximumWidth(220)
        row = QHBoxLayout()
        row.addWidget(self.open)
        row.addWidget(theme.set_role(QLabel("beside"), "muted"))
        row.addWidget(self.beside)
        row.addWidget(self._notes, 1)
        self._levers = QWidget()
        self._levers.setLayout(row)
        row.setContentsMargins(0, 0, 0, 0)
        self.levers.extend((self.open, self.beside))
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 8, 0)
        column.addWidget(self.answers)
        column.addStretch(1)
        self._scroll.setWidget(page)
        page.setAutoFillBackground(False)  # Qt turned it on when it took the page
        self._scroll.viewport().setAutoFillBackground(False)
        self._stack.addWidget(self._waiting)
        self._stack.addWidget(self._scroll)
        self.body.addWidget(self._levers)
        self.body.addWidget(self._stack, 1)
        self.open.clicked.connect(self._open)
        self.beside.currentIndexChanged.connect(self._ask_again)
        self.trial.changed.connect(self._show)
        self._levers.setVisible(False)

    def redraw(self) -> None:
        """Offer what can be done now that the run stands where it stands."""
        ready = self.ready
        self.setAcceptDrops(ready)
        self._levers.setVisible(ready)
        self._waiting.setText(TO_DO.format(", and its teacher beside it" if self._taught() else "") if ready else NOT_YET)
        folder = self.history.folder
        if ready and not self._looked and folder is not None:
            self._looked = True
            dataset = str(self.history.plan.get("dataset", ""))
            self._chores.do(lambda: baselines.of_dataset(folder, dataset), self._found)

    @property
    def ready(self) -> bool:
        """Whether there is a student to be asked."""
        return self.history.folder is not None and any(saved.kind == "student" for saved in self.history.saved)

    def try_images(self, paths: Sequence[str]) -> None:
        """Ask about these files."""
        folder = self.history.folder
        if not paths or folder is None or not self.ready:
            return
        self._asked = list(paths)
        self.trial.ask(folder, self._asked, self.beside.currentData(), teacher=self._taught())

    def _taught(self) -> bool:
        return bool(self.history.plan.get("teacher", "none") != "none")

    def _open(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Images to try the student on", "", KINDS)
        self.try_images(paths)

    def _ask_again(self) -> None:
        self.try_images(self._asked)

    def _found(self, others: list[Baseline]) -> None:
        self.beside.offer([("no other run", None), *((each.words, each.path) for each in others)])

    def _failed(self, sentence: str) -> None:
        self._notes.setText(sentence)

    def _show(self) -> None:
        self._stack.setCurrentIndex(1 if self.trial.images else 0)
        self.answers.show_images(self.trial.images, self.trial.nets)
        asking = ["Asking the nets…"] if self.trial.busy else []
        self._notes.setText(" ".join([*asking, *self.trial.notes]))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Images may be dropped."""
        if _images(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Ask about what was dropped."""
        event.acceptProposedAction()
        self.try_images(_images(event))

    def event(self, event: QEvent) -> bool:
        """Nobody is asked once the card goes."""
        if event.type() == QEvent.Type.DeferredDelete:
            self.trial.end()
        return super().event(event)

    def table(self) -> Rows:
        """Every answer in a row."""
        yield ("image", "who", "rank", "class", "probability")
        for image in self.trial.images:
            for who, guesses in image.guesses.items():
                for rank, (name, share) in enumerate(guesses, 1):
                    yield (image.path, who, rank, name, share)


def _images(event: QDropEvent) -> list[str]:
    """The image files that are dragged."""
    paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
    return [path for path in paths if Path(path).suffix.lower() in ENDINGS]
