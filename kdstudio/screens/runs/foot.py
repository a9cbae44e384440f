"""The bottom of Runs: what is selected, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from engine.runs import RunRow
from kdstudio import theme
from kdstudio.quantities import size
from kdstudio.screens.runs.columns import column
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import IconButton, TextButton
from kdstudio.widgets.texts import Elided


class Foot(QWidget):
    """Buttons for the selected runs; their words say what the keys are."""

    def __init__(self) -> None:
        super().__init__()
        self.about = Elided("", "muted")
        self.open = TextButton("Open", "secondary", "run")
        self.resume = TextButton("Resume", "secondary", "play")
        self.clone = TextButton("Clone", "secondary", "clone")
        self.branch = TextButton("Branch…", "secondary", "branch")
        self.compare = TextButton("Compare", "secondary", "compare")
        self.more = IconButton("more", "More: rename, tags and note, archive, take away, delete")
        self.open.setToolTip("Show this run as it was (Return, double click)")
        self.resume.setToolTip("Go on from its last checkpoint, or with the repeats that are missing")
        self.clone.setToolTip("Open the set-up with this run's experiment")
        self.branch.setToolTip("Set up a run that starts from the student of one of its checkpoints")
        self.compare.setToolTip("Lay the selected runs side by side; Ctrl or Shift selects several")
        row = boxes.row(theme.SPACE, self)
        row.addWidget(self.about, 1)
        for part in (self.open, self.resume, self.clone, self.branch, self.compare, self.more):
            row.addWidget(part)

    def show_chosen(self, rows: Sequence[RunRow], *, goes_on: bool) -> None:
        """Allow what can be done with these runs; `goes_on`: something of the only one is left, and nothing else runs."""
        one = len(rows) == 1
        self.open.setEnabled(one)
        self.clone.setEnabled(one)
        self.branch.setEnabled(one)
        self.resume.setEnabled(one and goes_on)
        self.compare.setEnabled(len(rows) > 1)
        self.more.setEnabled(bool(rows))
        self.about.setText(about(rows))
        self.about.setToolTip(about(rows))


def about(rows: Sequence[RunRow]) -> str:
    """What is selected, in a line: of one run where it comes from and what is noted of it, of several how many."""
    taken = size(sum(row.size for row in rows))
    if not rows:
        return "Select a run, or several with Ctrl or Shift"
    if len(rows) > 1:
        return f"{len(rows)} runs selected · {taken}"
    [row] = rows
    parent = [f"from {column('parent').words(row)}"] if row.parent else []
    return " · ".join([row.name, taken, *parent, *([row.note.replace("\n", " ")] if row.note else [])])
