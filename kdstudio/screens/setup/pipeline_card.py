"""The pipeline below the cards of Set up: the stages in a line, and the picture, folded or not as it was left."""

from __future__ import annotations

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QFrame

from kdstudio import theme
from kdstudio.screens.setup import pipeline
from kdstudio.screens.setup.diagram import Diagram
from kdstudio.store import Store
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import TextButton
from kdstudio.widgets.texts import Elided

OPEN = "setup/pipeline"
"""Where it is remembered whether the picture is shown."""

NOTHING = pipeline.Pipeline((), (), ())
WAITING = "drawn once the nets are counted"


class PipelineCard(QFrame):
    """Follows the store; nothing is drawn while it is folded."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        theme.set_role(self, "card")
        self.fold = TextButton("Pipeline", "fold", "chevron-right")
        self.diagram = Diagram()
        self.fold.clicked.connect(lambda: self.open(self.diagram.isHidden()))
        self.stages = Elided("", "faint")
        self.stages.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        column = boxes.column(theme.SPACE, self)
        boxes.pad(column, theme.GAP, theme.SPACE)
        head = boxes.row(theme.SPACE)
        head.addWidget(self.fold)
        head.addWidget(self.stages, 1)
        column.addLayout(head)
        column.addWidget(self.diagram)
        self._show(QSettings().value(OPEN, "yes") != "no")

    def open(self, shown: bool) -> None:
        """Show or fold the picture, and remember it."""
        QSettings().setValue(OPEN, "yes" if shown else "no")
        self._show(shown)
        self.refresh()

    def refresh(self) -> None:
        """Show what the store says; nothing of what it cannot say yet, so that no picture stays of another experiment."""
        found = pipeline.of(self._store.resolved().experiment, self._store.catalogue)
        self.stages.setText("  →  ".join(found.stages) if found else WAITING)
        if not self.diagram.isHidden():
            self.diagram.show_pipeline(found or NOTHING)

    def _show(self, shown: bool) -> None:
        self.diagram.setVisible(shown)
        self.fold.set_icon("chevron-down" if shown else "chevron-right")
