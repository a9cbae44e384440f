"""How long experiments will take, from runs that are done: read beside the window's thread, once for a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine.experiment import Experiment
from engine.queue import estimate
from engine.queue.estimate import Pace
from engine.sweeps.estimate import in_words
from kdstudio.background.chores import Chores


class Pacing(QObject):
    """Knows how quick earlier runs were once `ready` was said."""

    ready = Signal()

    def __init__(self, home: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._home = home
        self._known: tuple[Pace, ...] | None = None
        self._judged = "judged by earlier runs"
        self._chores = Chores(self)
        self._chores.failed.connect(lambda _: self._take(()))  # what cannot be read tells of no run

    def read(self) -> None:
        """Look at the runs as they are now."""
        self._chores.do(lambda: estimate.paces(self._home), self._take)

    def add(self, experiment: Experiment, seconds: float) -> None:
        """Know what a run of an experiment takes, measured."""
        epochs = experiment.training.epochs * experiment.dataset.subset
        made = Pace(estimate.likeness(experiment), seconds / epochs, 0.0)
        self._known = (made, *(self._known or ()))
        self._judged = "as measured"

    def knows(self, experiments: Sequence[Experiment]) -> bool:
        """Whether it can tell of each of them; also while it still looks."""
        return self._known is None or all(estimate.seconds(e, self._known) is not None for e in experiments)

    def seconds(self, experiment: Experiment) -> float:
        """Seconds of all repeats of an experiment; 0 where nobody knows."""
        return (estimate.seconds(experiment, self._known or ()) or 0.0) * experiment.run.repeats

    def wait(self) -> None:
        """Until they have been read: for the end of the program."""
        self._chores.wait()

    def words(self, experiments: Sequence[Experiment]) -> str:
        """How long these will take one after another, as part of a sentence."""
        if self._known is None:
            return "looking for similar runs…"
        each = [estimate.seconds(e, self._known) for e in experiments]
        told = [s * e.run.repeats for s, e in zip(each, experiments) if s is not None]
        if not told:
            return "how long is not known: nothing like it has run yet"
        if len(told) < len(each):
            return f"about {in_words(sum(told))} for {len(told)} of them; nothing like the others has run yet"
        return f"about {in_words(sum(told))} in all, {self._judged}"

    def _take(self, found: tuple[Pace, ...]) -> None:
        self._known = found
        self.ready.emit()
