"""A run in a child process, for a further device: steered and watched as the training thread is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from engine import events, presets
from kdstudio.background.child import Child


class ChildTrainer(QObject):
    """`kdstudio train ... --json --steered` with the orders of a Trainer.

    `said` carries every event in order, `state_changed` one of idle, starting, running, paused, stopping. After the last event
    the state is idle, also when the child was killed.
    """

    said = Signal(object)
    state_changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = "idle"
        self._child = Child(self)
        self._child.said.connect(self._hear)
        self._child.ended.connect(self._end)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._spoken = False

    def start(
        self, resolved: Any, home: Path | None = None, resume: Path | None = None, repeats: Collection[int] | None = None
    ) -> None:
        """Begin a run, or continue one. Raises RuntimeError while another is going, OSError where the experiment cannot be
        handed over."""
        self._folder = tempfile.TemporaryDirectory(prefix="kdstudio-")
        preset = Path(self._folder.name) / "experiment.yaml"
        preset.write_text(presets.with_origins(resolved.experiment, resolved.origins), encoding="utf-8")
        words = ["train", str(preset), "--json", "--steered"]
        words += ["--runs", str(home)] if home else []
        words += ["--join", str(resume)] if resume else []
        words += [word for n in repeats or () for word in ("--repeat", str(n))]
        self._spoken = False
        self._child.start(words)
        self._enter("starting")

    def pause(self) -> None:
        """Wait before the next step."""
        if self.state in ("starting", "running"):
            self._child.write("pause")

    def resume(self) -> None:
        """Go on after a pause."""
        self._child.write("resume")

    def stop(self) -> None:
        """End after the present step, leaving a checkpoint."""
        if self.state != "idle":
            self._enter("stopping")
            self._child.write("stop")

    def save_now(self) -> None:
        """Write a checkpoint after the present step."""
        self._child.write("save")

    def move_weight(self, term: str, weight: float) -> None:
        """Give a term another weight from the next step on."""
        self._child.write(f"move {term} {weight!r}")

    def end(self) -> None:
        """Kill the child: for the end of the program."""
        self._child.end()
        self._tidy()

    def _hear(self, data: dict[str, Any]) -> None:
        event = events.from_line(json.dumps(data))
        self._spoken = self._spoken or isinstance(event, (events.RunEnded, events.Refused))
        if self.state != "stopping":
            if isinstance(event, events.Paused):
                self._enter("paused")
            elif isinstance(event, (events.RunStarted, events.Unpaused, events.StageStarted)):
                self._enter("running")
        self.said.emit(event)

    def _end(self, code: int, words: str) -> None:
        if not self._spoken:
            sentence = words.splitlines()[-1] if words else f"The process ended with {code} and said nothing."
            self.said.emit(events.RunEnded(outcome="failed", sentence=sentence))
        self._tidy()
        self._enter("idle")

    def _tidy(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _enter(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)
