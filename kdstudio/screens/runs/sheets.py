"""Sheets that ask: tags and a note, and from which state of a run another is to start."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QLineEdit, QPlainTextEdit, QRadioButton, QWidget

from engine.runs import RunRow
from engine.runs.points import Point
from kdstudio import theme
from kdstudio.quantities import moment, size
from kdstudio.widgets.asking import Sheet
from kdstudio.widgets.icons import TextButton
from kdstudio.widgets.texts import label, wrapped

KNOWN = 12
"""Tags that are offered to be clicked."""


class MarksSheet(Sheet):
    """Tags of one or several runs, and the note of one. `take` gets the tags to put on, those to take off, and the note (None
    where several runs are marked)."""

    def __init__(
        self, parent: QWidget, rows: Sequence[RunRow], known: Sequence[str],
        take: Callable[[set[str], set[str], str | None], None],
    ) -> None:  # fmt: skip
        several = len(rows) > 1
        said = f"Of {len(rows)} runs: what all of them have." if several else rows[0].title
        super().__init__(
            parent, "Tags" if several else "Tags and note", said,
            [("Cancel", "secondary", self.reject), ("Save", "primary", self._save)],
        )  # fmt: skip
        self.setObjectName("marks-sheet")
        self._take = take
        self._common = set.intersection(*(set(row.tags) for row in rows))
        self.tags = QLineEdit(" ".join(sorted(self._common)))
        self.tags.setAccessibleName("Tags")
        self.tags.setPlaceholderText("Words with spaces between them, such as: paper table-3")
        self.note = QPlainTextEdit("" if several else rows[0].note)
        self.note.setAccessibleName("Note")
        self.note.setTabChangesFocus(True)
        self.note.setFixedHeight(theme.SPACE * 12)
        self.note.setVisible(not several)
        self.body.addWidget(label("Tags", "label"))
        self.body.addWidget(self.tags)
        self.known = [self._offer(tag) for tag in known[:KNOWN] if tag not in self._common]
        words = wrapped("A run with the tag “keep” is never cleaned up.", "faint")
        self.body.addWidget(words)
        if not several:
            self.body.addWidget(label("Note", "label"))
        self.body.addWidget(self.note)

    def _offer(self, tag: str) -> TextButton:
        """A tag that other runs have; a click adds it."""
        button = TextButton(f"+ {tag}", "link")
        button.setAccessibleName(f"Add the tag {tag}")
        button.setAutoDefault(False)
        button.clicked.connect(lambda: self.tags.setText(f"{self.tags.text()} {tag}".strip()))
        button.clicked.connect(button.hide)
        self.body.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        return button

    def _save(self) -> None:
        wanted = set(self.tags.text().replace(",", " ").lower().split())
        note = None if self.note.isHidden() else self.note.toPlainText()
        self._take(wanted - self._common, self._common - wanted, note)
        self.accept()


NAMES = {
    "student": ("The finished student", "As it was exported at the end."),
    "best": ("The best epoch", "The student alone; the methods begin anew."),
    "last": ("The last checkpoint", "Methods that stay as they are set go on with what they had learned."),
}
"""A state of a run -> what it is called, and what comes with it."""


class BranchSheet(Sheet):
    """Asks from which state of a run to branch; `take` gets it."""

    def __init__(self, parent: QWidget, row: RunRow, points: Sequence[Point], take: Callable[[str], None]) -> None:
        super().__init__(
            parent, "Branch from this run",
            "A new run whose student starts as it stood there. Its settings open in the form, to be changed before it starts.",
            [("Cancel", "secondary", self.reject), ("Set it up", "primary", self._save)],
        )  # fmt: skip
        self.setObjectName("branch-sheet")
        self._take = take
        self.choices = QButtonGroup(self)
        self.body.addWidget(label(row.title, "strong"))
        for point in points:
            self._offer(point)
        if not points:
            self.body.addWidget(
                wrapped("It has neither a student nor a checkpoint: there is nothing to start from.", "problem")
            )
        self.buttons["Set it up"].setEnabled(bool(points))

    def _offer(self, point: Point) -> None:
        name, words = NAMES[point.which]
        button = QRadioButton(name)
        button.setProperty("which", point.which)
        button.setChecked(not self.choices.buttons())
        self.choices.addButton(button)
        epoch = f"after epoch {point.epoch}, " if point.epoch else ""
        self.body.addWidget(button)
        self.body.addWidget(wrapped(f"{words} Written {epoch}{moment(point.at)}, {size(point.size)}.", "muted"))

    def _save(self) -> None:
        self._take(next(str(b.property("which")) for b in self.choices.buttons() if b.isChecked()))
        self.accept()
