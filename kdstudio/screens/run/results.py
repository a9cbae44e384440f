"""What came out, once a run is over: the numbers to keep, the files to take away, or what went wrong and what to do."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from kdstudio import theme
from kdstudio.charts.figures import figure, tabular
from kdstudio.history import History
from kdstudio.quantities import grouped, seconds, short, times
from kdstudio.widgets.icons import IconLabel, TextButton

TONES = {
    "done": ("good", "good"),
    "stopped": ("info", "warning"),
    "interrupted": ("warning", "warning"),
    "failed": ("problem", "problem"),
    "refused": ("problem", "problem"),
}
"""State -> icon, tone."""


class Results(QFrame):
    """Shown when a run has ended. The signals carry nothing: the screen knows the run."""

    student_requested = Signal()
    preset_requested = Signal()
    folder_requested = Signal()
    continue_requested = Signal()
    try_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        theme.set_role(self, "card")
        self.setVisible(False)
        self._icon = IconLabel("good", "good", theme.ICON_LARGE)
        self._sentence = theme.set_role(QLabel(), "heading")
        self._more = theme.set_role(QLabel(), "muted")
        self._told = theme.set_role(QLabel(), "muted")
        self._told.setVisible(False)
        self._run: object = None
        for label in (self._sentence, self._more, self._told):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._shown: list[tuple[str, str, str]] = []
        self._tiles = QHBoxLayout()
        self._tiles.setSpacing(theme.MARGIN + theme.SPACE)
        self.student = TextButton("Save student…", "primary", "export")
        self.preset = TextButton("Save preset…", "secondary", "file")
        self.folder = TextButton("Folder", "secondary", "folder")
        self.try_it = TextButton("Try it…", "secondary", "student")
        self.go_on = TextButton("Resume this run", "primary", "play")
        self._build()

    def _build(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(theme.HALF)
        words.addWidget(self._sentence)
        words.addWidget(self._more)
        words.addWidget(self._told)
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE + theme.HALF)
        top.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(words, 1)
        for button in (self.go_on, self.student, self.try_it, self.preset, self.folder):
            top.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.GAP, theme.SPACE + theme.HALF, theme.GAP, theme.SPACE + theme.HALF)
        column.setSpacing(theme.SPACE)
        column.addLayout(top)
        column.addLayout(self._tiles)
        self.student.setToolTip("The student alone, with what is needed to use it: .safetensors, .onnx or .pt2")
        self.preset.setToolTip("This experiment as one self-contained YAML that runs anywhere")
        self.folder.setToolTip("Open the run's folder in the file manager")
        self.try_it.setToolTip("Ask the student about images of your own, its teacher and another run beside it")
        self.try_it.clicked.connect(self.try_requested)
        self.student.clicked.connect(self.student_requested)
        self.preset.clicked.connect(self.preset_requested)
        self.folder.clicked.connect(self.folder_requested)
        self.go_on.clicked.connect(self.continue_requested)

    def show_history(self, history: History) -> None:
        """Say what came out of this run; hidden while it is not over."""
        tone = TONES.get(history.state)
        self.setVisible(tone is not None)
        if tone is None:
            return
        if history is not self._run:
            self._run = history
            self.tell("", "")
        self._icon.set_icon(*tone)
        self._sentence.setText(sentence(history))
        more = details(history)
        self._more.setText(more)
        self._more.setVisible(bool(more))
        saved = {s.kind for s in history.saved}
        for button in (self.student, self.try_it):
            button.setVisible("student" in saved)
        self.preset.setVisible(history.folder is not None)
        self.folder.setVisible(history.folder is not None)
        self.go_on.setVisible(history.state in ("stopped", "interrupted", "failed") and history.folder is not None)
        self._show_tiles(tiles(history))

    def tell(self, words: str, tone: str) -> None:
        """Say what became of something that was asked for here."""
        self._told.setText(words)
        theme.set_role(self._told, "problem" if tone == "problem" else "muted")
        self._told.setVisible(bool(words))

    def _show_tiles(self, found: list[tuple[str, str, str]]) -> None:
        if found == self._shown:
            return
        self._shown = found
        while self._tiles.count():
            item = self._tiles.takeAt(0)
            widget = item.widget() if item else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for name, value, note in found:
            made = _tile(name, value, note)
            self._tiles.addWidget(made)
            made.show()  # at once: Qt would show it a moment later, and the page would jump twice
        self._tiles.addStretch(1)


def _tile(name: str, value: str, note: str) -> QWidget:
    made = QWidget()
    column = QVBoxLayout(made)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(theme.set_role(QLabel(name), "label"))
    number = QLabel(value)
    theme.set_role(number, "title")
    number.setFont(tabular(22))
    column.addWidget(number)
    column.addWidget(theme.set_role(QLabel(note or " "), "faint"))
    return made


def sentence(history: History) -> str:
    """How the run ended."""
    if history.state == "interrupted":
        return "The run was interrupted: its process ended without a last word."
    if history.state == "refused":
        return "The experiment cannot run as it is."
    return (history.ended.sentence if history.ended else "") or f"The run is {history.state}."


def details(history: History) -> str:
    """What to do, or what is wrong where."""
    if history.state == "refused":
        return "\n".join(f"{p.get('path', '')}: {p.get('sentence', '')}".lstrip(": ") for p in history.problems)
    if history.state in ("stopped", "interrupted"):
        return "It can be resumed from its last checkpoint and ends as if it had never stopped."
    if history.state == "failed":
        return "Mend the cause and resume from the last checkpoint, or start anew; log.txt in the folder has the whole story."
    return ""


def tiles(history: History) -> list[tuple[str, str, str]]:
    """Name, value, note of the numbers worth a second look."""
    if history.state != "done":
        return []
    found = _of_run(history, history.ended.results if history.ended else {})
    if history.group is not None:
        n = len(history.group.runs)
        for key, mean in history.group.means.items():
            if key in ("top1", "top1_best", "top1_last"):
                spread = history.group.deviations.get(key, float("nan"))
                found.append((TOP1.get(key, key), f"{mean:.2f} ± {figure(spread, 2)} %", f"mean of {n} seeds"))
    return found


TOP1 = {"top1": "Student over seeds", "top1_best": "Student, best, over seeds", "top1_last": "Student, last, over seeds"}


def _of_run(history: History, results: dict[str, Any]) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    best = results.get("top1", results.get("top1_best"))
    if best is not None:
        chosen = f"epoch {results['best_epoch']}, chosen {results.get('selection', '')}" if "best_epoch" in results else ""
        found.append((f"Student on {results.get('split', 'test')}", f"{best:.2f} %", chosen))
    if results.get("top1_last") is not None:
        found.append(("Last epoch", f"{results['top1_last']:.2f} %", f"epoch {results.get('epochs', '')}".strip()))
    teacher = next((v for s in ("test", "held-out") if (v := history.result(f"top1/teacher/{s}")) is not None), None)
    if teacher is not None:
        found.append(("Teacher", f"{teacher:.2f} %", str(history.plan.get("teacher", ""))))
    if results.get("agreement") is not None:
        value = float(results["agreement"])
        found.append(("Agreement", f"{value:.2f} %", "with the teacher"))
    if results.get("parameters"):
        found.append(("Parameters", grouped(results["parameters"]), _small(results)))
    if results.get("compression"):
        found.append(("Packed", f"{short(results['bytes'])}B", f"{times(results['compression'])} × smaller than in float32"))
    gone = results.get("seconds", history.clock)
    if gone:
        found.append(("Time", seconds(gone), f"{results['joules']:,.0f} J" if results.get("joules") else ""))
    return found


def _small(results: dict[str, Any]) -> str:
    count, bare = results.get("multiply_adds"), results.get("parameters_bare")
    said = f"{short(count)} multiply-adds" if count else ""
    if bare is None or not count:
        return said
    slower = 100 * (results["milliseconds"] / results["milliseconds_bare"] - 1)
    return f"{said}; bare {grouped(bare)}, {short(results['multiply_adds_bare'])}; {slower:+.0f} % time"
