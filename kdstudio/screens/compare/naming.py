"""The sheet that asks under which name a comparison is saved."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QLineEdit, QWidget

from kdstudio.widgets.asking import Sheet


class SaveSheet(Sheet):
    """A name, and Save; one that is there already is written over."""

    def __init__(self, parent: QWidget, name: str, take: Callable[[str], None]) -> None:
        super().__init__(
            parent, "Save this comparison", "Kept: which runs, the baseline, what is hidden. The runs stay where they are.",
            [("Cancel", "secondary", self.reject), ("Save", "primary", self._save)],
        )  # fmt: skip
        self._take = take
        self.name = QLineEdit(name)
        self.name.setAccessibleName("Name")
        self.name.setPlaceholderText("Name")
        self.body.addWidget(self.name)
        self.name.textChanged.connect(self._allow)
        self.name.selectAll()
        self.name.setFocus()
        self._allow(name)

    def _allow(self, name: str) -> None:
        self.buttons["Save"].setEnabled(bool(name.strip()))

    def _save(self) -> None:
        self.accept()
        self._take(self.name.text().strip())
