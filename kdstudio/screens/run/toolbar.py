"""How all curves are looked at: x axis, smoothing, outliers; and which cards are shown."""

from __future__ import annotations

from typing import get_args

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from kdstudio import theme
from kdstudio.charts.board import Board
from kdstudio.charts.figures import tabular
from kdstudio.charts.lens import Lens
from kdstudio.charts.picker import QuietSlider, switch
from kdstudio.curve import XAxis


class LensBar(QWidget):
    """Chooses what the curves are drawn over and how much they are smoothed."""

    def __init__(self, lens: Lens) -> None:
        super().__init__()
        self._lens = lens
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.HALF)
        row.addWidget(theme.set_role(QLabel("over"), "muted"))
        group = QButtonGroup(self)
        self.axes: dict[XAxis, QToolButton] = {}
        for axis in get_args(XAxis):
            button = switch(axis, f"Draw all curves over {axis}")
            button.setChecked(axis == lens.axis)
            button.clicked.connect(lambda _checked=False, axis=axis: lens.set_axis(axis))
            group.addButton(button)
            row.addWidget(button)
            self.axes[axis] = button
        row.addSpacing(theme.SPACE)
        self.outliers = switch("ignore outliers", "Choose the y axes without regard to outliers; they are drawn nevertheless")
        self.outliers.toggled.connect(lens.set_calm)
        row.addWidget(self.outliers)
        row.addSpacing(theme.SPACE)
        row.addWidget(theme.set_role(QLabel("smoothing"), "muted"))
        self.slider = QuietSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 99)
        self.slider.setFixedWidth(theme.SPACE * 11)
        self.slider.setAccessibleName("Smoothing")
        self.slider.setToolTip("Moving average; the raw curve stays faint below. At the left end: no smoothing at all")
        row.addWidget(self.slider)
        self._words = QLabel()
        self._words.setFont(tabular(theme.TEXT - 1))
        self._words.setFixedWidth(self._words.fontMetrics().horizontalAdvance("none ") + 2)
        row.addWidget(self._words)
        self.slider.valueChanged.connect(self._smooth)
        self._smooth(0)

    def choose(self, axis: XAxis) -> None:
        """Draw all curves over steps, epochs or time."""
        self.axes[axis].click()

    def _smooth(self, value: int) -> None:
        self._words.setText(f"{value / 100:.2f}" if value else "none")
        self._lens.set_smoothing(value / 100)


class CardsButton(QToolButton):
    """A menu of all cards of a board, to take them out of sight or bring them back, and to lay them out anew."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board
        theme.set_role(self, "compact")
        self.setText("cards")
        self.setToolTip("Which cards are shown. Drag a card by its title to lay it elsewhere")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        menu = QMenu(self)
        menu.aboutToShow.connect(self.fill)
        self.setMenu(menu)

    def fill(self) -> None:
        """The entries as they are now: the shown cards as they lie, then the hidden ones."""
        menu, board = self.menu(), self._board
        menu.clear()
        shown = board.shown()
        for card in [*shown, *(c for c in board.cards if c not in shown)]:
            action = menu.addAction(card.title)
            action.setCheckable(True)
            action.setChecked(card in shown)
            action.toggled.connect(lambda seen, card=card: board.hide_card(card, not seen))
        menu.addSeparator()
        menu.addAction("Lay out as at first").triggered.connect(lambda _checked=False: board.arrange_anew())
