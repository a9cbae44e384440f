"""About: which program this is, on what it stands, and whether this machine can do the work (what `kdstudio doctor` says)."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QScrollArea, QWidget

import engine
from kdstudio import theme
from kdstudio.background.child import Child
from kdstudio.widgets.asking import Sheet
from kdstudio.widgets.icons import IconLabel
from kdstudio.widgets.texts import label, wrapped

LOOKING = "Looking at this machine…"


class AboutSheet(Sheet):
    """Versions at once; libraries, device and folders as a child finds them, for that needs torch."""

    def __init__(self, parent: QWidget, home: Path) -> None:
        """`home`: the folder of the runs."""
        super().__init__(
            parent, f"kdstudio {engine.__version__}",
            "A studio for compression experiments: a large teacher, a small student, the methods between them. MIT licence.",
            [("Copy", "secondary", self.copy), ("Close", "primary", self.accept)],
        )  # fmt: skip
        self.lines: list[tuple[str, str]] = []
        page = QWidget()
        self._grid = QGridLayout(page)
        self._grid.setContentsMargins(0, 0, theme.SPACE, 0)
        self._grid.setHorizontalSpacing(theme.SPACE)
        self._grid.setVerticalSpacing(theme.HALF)
        self._grid.setColumnStretch(2, 1)
        self._grid.setColumnMinimumWidth(1, theme.SPACE * 11)
        area = QScrollArea()
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFixedHeight(theme.SPACE * 40)
        area.setAccessibleName("What this machine has")
        self.state = wrapped(LOOKING, "muted")
        self.body.addWidget(area)
        self.body.addWidget(self.state)
        system = f"{platform.system()} {platform.release()}, {platform.machine()}"
        for name, words in (("system", system), ("Python", platform.python_version()), ("Qt", qVersion())):
            self._add(name, words)
        self._child = Child(self)
        self._child.said.connect(self._take)
        self._child.ended.connect(self._end)
        self._child.start(["doctor", "--json", "--runs", str(home)])
        self.finished.connect(self._child.end)

    def copy(self) -> None:
        """Put everything on the clipboard, for a report."""
        lines = [(f"kdstudio {engine.__version__}", ""), *self.lines]
        QGuiApplication.clipboard().setText("\n".join(f"{name} {words}".strip() for name, words in lines))
        self.state.setText("Copied.")

    def _take(self, found: dict[str, Any]) -> None:
        self._add(found["name"], found["sentence"], fine=found["fine"])

    def _end(self, code: int, words: str) -> None:
        """0 and 1 are verdicts; anything else means that nobody looked."""
        verdict = {0: "Everything a run needs is there.", 1: "What is marked needs you."}
        self.state.setText(verdict.get(code, f"This machine could not be looked at: {words}"))

    def _add(self, name: str, words: str, *, fine: bool = True) -> None:
        row = len(self.lines)
        self._grid.setRowStretch(row, 0)
        self._grid.setRowStretch(row + 1, 1)  # what is left of the height goes below the last
        self.lines.append((name, words))
        said = wrapped(words, "plain" if fine else "problem")
        said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        mark = IconLabel("good" if fine else "problem", "good" if fine else "problem", theme.ICON_SMALL)
        top = Qt.AlignmentFlag.AlignTop
        self._grid.addWidget(mark, row, 0, top)
        self._grid.addWidget(label(name, "muted"), row, 1, top)
        self._grid.addWidget(said, row, 2, top)
