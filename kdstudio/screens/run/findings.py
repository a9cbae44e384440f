"""The card of findings: what looks wrong, why, and a fix that can be applied to a copy."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from engine.events import Finding
from kdstudio import theme
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.figures import figure
from kdstudio.history import History
from kdstudio.widgets.icons import IconLabel, TextButton

TONES = {"info": "info", "warning": "warning", "error": "problem"}
"""Severity -> the name of icon and colour."""
COLOURS = {"info": "accent", "warning": "warning", "error": "problem"}


class FindingsCard(Card):
    """Findings, the newest first. `fix_requested` carries the settings that would mend one."""

    fix_requested = Signal(dict)

    def __init__(self, history: History) -> None:
        super().__init__("Findings", "", "Declared checks look at what the run measures and say what looks wrong")
        self.history = history
        self._shown: list[Finding] = []
        page = QWidget()
        self._list = QVBoxLayout(page)
        self._list.setContentsMargins(0, 2, 6, 2)
        self._list.setSpacing(theme.SPACE)
        self._list.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        page.setAutoFillBackground(False)  # Qt turned it on when it took the page
        scroll.viewport().setAutoFillBackground(False)
        self._stack = QStackedWidget()
        self._waiting = Waiting("Nothing looks wrong so far.")
        self._stack.addWidget(self._waiting)
        self._stack.addWidget(scroll)
        self.body.addWidget(self._stack)

    def redraw(self) -> None:
        """Show what was found since; begin anew where a resume took some back."""
        findings = self.history.findings
        if self._shown != findings[: len(self._shown)]:
            self._clear()
        for finding in findings[len(self._shown) :]:
            self._list.insertWidget(0, self._row(finding))
            self._shown.append(finding)
        self._stack.setCurrentIndex(1 if findings else 0)
        self.set_unit(str(len(findings)) if findings else "")

    def _clear(self) -> None:
        while self._list.count() > 1:
            item = self._list.takeAt(0)
            widget = item.widget() if item else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._shown = []

    def _row(self, finding: Finding) -> QWidget:
        frame = theme.set_role(QFrame(), "banner")
        frame.setProperty("tone", TONES[finding.severity])
        row = QHBoxLayout(frame)
        row.setContentsMargins(10, 8, 10, 8)
        row.setSpacing(theme.SPACE)
        row.addWidget(IconLabel(TONES[finding.severity], COLOURS[finding.severity]), 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(4)
        for text, role in (
            (finding.sentence, "strong"),
            (evidence(finding, self.history), "muted"),
            (f"Criterion: {finding.criterion}", "faint"),
        ):
            label = QLabel(text)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            theme.set_role(label, role)  # type: ignore[arg-type]
            words.addWidget(label)
        if finding.fix:
            words.addWidget(self._fix(finding.fix), 0, Qt.AlignmentFlag.AlignLeft)
        row.addLayout(words, 1)
        return frame

    def _fix(self, fix: dict[str, Any]) -> TextButton:
        button = TextButton("Apply to a copy", "secondary", "clone")
        button.setToolTip("Opens the set-up of this run with\n" + "\n".join(f"{k}: {v}" for k, v in fix.items()))
        button.clicked.connect(lambda: self.fix_requested.emit(fix))
        return button

    def table(self) -> Rows:
        """One finding a row."""
        yield ("check", "severity", "stage", "epoch", "sentence", "evidence", "criterion", "fix")
        for f in self.history.findings:
            fix = "; ".join(f"{k}: {v}" for k, v in f.fix.items())
            yield (f.check, f.severity, f.stage, f.epoch, f.sentence, evidence(f, self.history), f.criterion, fix)


def evidence(finding: Finding, history: History) -> str:
    """The numbers behind a finding and where they were measured, in a line."""
    stage = history.stages.get(finding.stage)
    where = stage.title if stage else finding.stage
    said = [f"{name.replace('_', ' ')} {figure(float(value))}" for name, value in finding.evidence.items()]
    return " · ".join([*said, f"{where}, epoch {finding.epoch}" if finding.epoch else where])
