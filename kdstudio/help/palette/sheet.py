"""The palette's sheet: a field, and under it what fits, best first. Up, Down, Return and Escape do as everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    Qt,
    QTimer,
)
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QListView

from kdstudio import theme
from kdstudio.background.chores import Chores
from kdstudio.help.palette import sources
from kdstudio.help.palette.hits import Hit, best
from kdstudio.help.palette.lines import HIT, HitLines
from kdstudio.widgets import boxes
from kdstudio.widgets.finder import STEPS
from kdstudio.widgets.texts import label

if TYPE_CHECKING:
    from kdstudio.window import Window

MOST = 60
"""Hits shown; whoever wants another types one letter more."""
HINT = "Search actions, settings, presets, runs, screens"
Index = QModelIndex | QPersistentModelIndex


class HitModel(QAbstractListModel):
    """The hits that are shown."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.hits: list[Hit] = []

    def show(self, hits: list[Hit]) -> None:
        """Show these."""
        self.beginResetModel()
        self.hits = hits
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """How many."""
        return 0 if parent.isValid() else len(self.hits)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The hit, and its words for who reads them out."""
        hit = self.hits[index.row()]
        if role == HIT:
            return hit
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{hit.group}: {hit.words}"
        return None


class Palette(QFrame):
    """A popup over the window; what it offers is collected anew each time it opens."""

    def __init__(self, window: Window) -> None:
        super().__init__(window, Qt.WindowType.Popup)
        self._window = window
        self._near: list[Hit] = []
        self._far: list[Hit] = []
        self._chores = Chores(self)
        theme.set_role(self, "popup")
        self.setAccessibleName("Search everything")
        self.search = QLineEdit()
        self.search.setPlaceholderText(HINT)
        self.search.setAccessibleName(HINT)
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.model = HitModel(self)
        self.list = theme.set_role(QListView(), "popup")
        self.list.setModel(self.model)
        self.list.setItemDelegate(HitLines(self.list))
        self.list.setMouseTracking(True)
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the field keeps the keyboard and moves the choice
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Found")
        self.list.clicked.connect(self._do)
        self.nothing = label("Nothing fits. Fewer letters find more.", "muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = boxes.column(theme.SPACE, self)
        boxes.pad(column, theme.SPACE)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        column.addWidget(self.nothing, 1)

    def open(self) -> None:
        """Show, with nothing typed yet."""
        self._near = [hit for source in sources.NEAR for hit in source(self._window)]
        self._chores.do(lambda: sources.gather(self._window.home), self._take)
        width = min(theme.SPACE * 84, self._window.width() - theme.MARGIN * 2)
        self.resize(width, min(theme.SPACE * 60, self._window.height() - theme.SPACE * 16))
        self.move(self._window.mapToGlobal(QPoint((self._window.width() - width) // 2, theme.SPACE * 8)))
        self.search.clear()
        self._filter("")
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def wait(self) -> None:
        """Until presets and runs have been read: for the end of the program."""
        self._chores.wait()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys in the field that act on the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in STEPS:
                self._step(STEPS[Qt.Key(event.key())])
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._do(self.list.currentIndex())
                return True
        return super().eventFilter(watched, event)

    def _take(self, far: sources.Far) -> None:
        self._far = [*sources.of_presets(self._window, far.presets), *sources.of_runs(self._window, far.runs)]
        if self.isVisible():
            self._filter(self.search.text())

    def _filter(self, text: str) -> None:
        self.model.show(best(text, [*self._near, *self._far], MOST))
        self.list.setCurrentIndex(self.model.index(0))
        self.list.setVisible(bool(self.model.hits))
        self.nothing.setVisible(not self.model.hits)

    def _step(self, by: int) -> None:
        last = self.model.rowCount() - 1
        if last >= 0:
            self.list.setCurrentIndex(self.model.index(max(0, min(last, self.list.currentIndex().row() + by))))

    def _do(self, index: Index) -> None:
        """Close, and do it once the keyboard is back in the window."""
        if index.isValid():
            act = self.model.hits[index.row()].act
            self.hide()
            QTimer.singleShot(0, self._window, act)
