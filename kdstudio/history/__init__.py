"""What a run has said so far, arranged for showing: live and replayed runs are built by the same `take`. No widgets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from engine import events
from engine.runs import RunFolder, marks
from kdstudio.history import journal
from kdstudio.history.curve import Curve
from kdstudio.history.happened import Happened, happened

State = Literal["empty", "running", "paused", "done", "stopped", "failed", "refused", "interrupted"]

PACE = 40
"""How many of the last reports the time left is reckoned from."""


@dataclass
class StageView:
    """A stage as the stage bar shows it. `steps` and `epochs` are 0 where its length is unknown; `progress` is what it does
    while it takes no steps, such as a download. One is skipped where a later one began without it: a teacher that was there
    already is not trained."""

    name: str
    title: str
    help: str = ""
    state: Literal["waiting", "running", "done", "skipped"] = "waiting"
    step: int = 0
    steps: int = 0
    epoch: int = 0
    epochs: int = 0
    began: float = 0.0
    clock: float = 0.0
    ledger: events.StageEnded | None = None
    progress: events.Progressed | None = None
    pace: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=PACE))

    def share(self) -> float:
        """How much of it is done, from 0 to 1."""
        if self.state == "done":
            return 1.0
        done, of = self.gone()
        return min(1.0, done / of) if of else 0.0

    def gone(self) -> tuple[int, int]:
        """What is done and what there is to do, in steps or in whatever the progress counts; (0, 0) where unknown."""
        return (self.progress.done, self.progress.total) if self.progress else (self.step, self.steps)

    def left(self) -> float | None:
        """Seconds of running time left by the pace of the last reports; None where nothing is known yet."""
        done, of = self.gone()
        if self.state != "running" or not of or len(self.pace) < 2:
            return None
        (t0, s0), (t1, s1) = self.pace[0], self.pace[-1]
        return (of - done) * (t1 - t0) / (s1 - s0) if s1 > s0 and t1 > t0 else None

    def steps_per_epoch(self) -> float:
        """Steps an epoch has; 0 where unknown."""
        return self.steps / self.epochs if self.epochs else 0.0


class History:
    """The state of one run after the events taken so far."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` is where a replayed run lies now, which its own RunStarted cannot know after a move."""
        self._folder = folder
        self._renamed = marks.read(folder).title if folder is not None else ""
        self.started: events.RunStarted | None = None
        self.state: State = "empty"
        self.stages: dict[str, StageView] = {}
        self.stage = ""
        self.curves: dict[tuple[str, str], Curve] = {}
        self.watched: dict[str, list[events.Watched]] = {}
        self.findings: list[events.Finding] = []
        self.marks: list[Happened] = []
        self.moves: list[events.WeightMoved] = []
        self.log: list[journal.Line] = []
        self.problems: tuple[dict[str, str], ...] = ()
        self.ended: events.RunEnded | None = None
        self.group: events.GroupEnded | None = None
        self.saved: list[events.Saved] = []
        self.clock = 0.0
        self.at = 0.0
        self._files: RunFolder | None = None
        self._terms: dict[str, str] = {}

    @property
    def plan(self) -> dict[str, Any]:
        """The declarations of the run; empty before it started."""
        return self.started.plan if self.started else {}

    @property
    def title(self) -> str:
        """What the run is called: as a person renamed it since, else as its experiment is."""
        return self._renamed or (self.started.title if self.started else "Run")

    @property
    def folder(self) -> Path | None:
        """The run's folder; None before it started."""
        if self._folder is not None:
            return self._folder
        return Path(self.started.folder) if self.started and self.started.folder else None

    @property
    def classes(self) -> list[str]:
        """The names of the classes, as far as the run has said them."""
        return [str(c) for c in self.plan.get("classes", [])]

    def current(self) -> StageView | None:
        """The stage that runs, or ran last."""
        return self.stages.get(self.stage)

    @property
    def weights(self) -> dict[str, float]:
        """The weights that a person moved, by term, as they are now."""
        return {move.term: move.after for move in self.moves}

    def curve(self, stage: str, name: str) -> Curve | None:
        """The curve of a number in a stage, if it was ever measured there."""
        return self.curves.get((stage, name))

    def names(self, stage: str) -> list[str]:
        """What was measured in a stage, in the order of first appearance."""
        return [n for s, n in self.curves if s == stage]

    def result(self, name: str) -> float | None:
        """The newest value of a number in whichever stage measured it last."""
        found = [c for (_, n), c in self.curves.items() if n == name and len(c)]
        return found[-1].last() if found else None

    def array(self, record: events.Watched) -> NDArray[Any]:
        """The numbers of a watch's record, read from the run's folder."""
        assert self.folder is not None
        if self._files is None:
            self._files = RunFolder.open(self.folder)
        return self._files.array(record)

    def take(self, event: events.Event) -> None:
        """Arrange one more event; they come in the order in which they happened."""
        self.clock, self.at = max(self.clock, event.clock), event.at
        line = journal.line(event, self._terms)
        if line:
            self.log.append(line)
        match event:
            case events.RunStarted():
                self._start(event)
            case events.RunResumed():
                self._rewind(event)
            case events.StageStarted():
                self._enter(event)
            case events.StageEnded(stage=name):
                stage = self._stage(name)
                stage.state, stage.ledger, stage.clock = "done", event, event.clock
            case events.Step():
                self._step(event)
            case events.Progressed():
                self._progress(event)
            case events.Evaluated(who=who, split=split):
                for kind, value in (("top1", event.top1), ("top5", event.top5), ("loss", event.loss)):
                    self._measure(event, f"{kind}/{who}/{split}", value)
            case events.Measured(values=values):
                for name, value in values.items():
                    self._measure(event, name, value)
            case events.Watched(watch=name):
                self.watched.setdefault(name, []).append(event)
            case events.Finding():
                self.findings.append(event)
                self._mark(event)
            case events.Saved():
                self.saved.append(event)
            case events.WeightMoved():
                self.moves.append(event)
                self._mark(event)
            case events.Paused():
                self.state = "paused"
            case events.Unpaused():
                self.state = "running"
            case events.Refused(problems=problems):
                self.state, self.problems = "refused", problems
            case events.RunEnded(outcome=outcome):
                self.state, self.ended = outcome, event
            case events.GroupEnded():
                self.group = event

    def take_all(self, past: Iterable[events.Event], *, alive: bool) -> None:
        """Replay a stored run. One that is `alive` (its lock is held, or it is about to go on) counts as running whatever
        an earlier attempt said last; one that is not and never ended counts as interrupted."""
        for event in past:
            self.take(event)
        if alive:
            self.state, self.ended = "running", None
        elif self.state in ("running", "paused"):
            self.state = "interrupted"

    def _mark(self, event: events.Event) -> None:
        """Keep what is marked in plots."""
        found = happened(event, self._terms)
        if found is not None:
            self.marks.append(found)

    def _after(self, stage: str) -> set[str]:
        """The stages that come after one."""
        order = list(self.stages)
        return set(order[order.index(stage) + 1 :] if stage in order else order)

    def _start(self, event: events.RunStarted) -> None:
        self.started, self.state = event, "running"
        self._terms = journal.titles(event.plan)
        for stage in event.plan.get("stages", []):
            name = stage["name"]
            self.stages[name] = StageView(name, stage.get("title") or name, stage.get("help", ""))

    def _stage(self, name: str) -> StageView:
        return self.stages.setdefault(name, StageView(name, name))

    def _enter(self, event: events.StageStarted) -> None:
        stage, later = self._stage(event.stage), self._after(event.stage)
        for other in self.stages.values():
            if other.state == "running" and other is not stage:
                other.state = "done"
            elif other.state == "waiting" and other is not stage and other.name not in later:
                other.state = "skipped"
        if stage.state in ("waiting", "skipped"):
            stage.began = event.clock
        stage.title, stage.state = event.title or stage.title, "running"
        stage.steps, stage.epochs, stage.clock = event.steps, event.epochs, event.clock
        stage.pace.clear()
        stage.progress = None
        self.stage, self.state = event.stage, "running"

    def _step(self, event: events.Step) -> None:
        stage = self._stage(event.stage)
        stage.step, stage.epoch, stage.clock = event.step, event.epoch, event.clock
        stage.steps = event.steps or stage.steps
        if stage.progress is not None:
            stage.progress = None
            stage.pace.clear()
        stage.pace.append((event.clock, event.step))
        for name, value in event.values.items():
            self._measure(event, name, value)

    def _progress(self, event: events.Progressed) -> None:
        stage = self._stage(event.stage)
        if stage.progress is None or stage.progress.what != event.what:
            stage.pace.clear()
        stage.progress, stage.clock = event, event.clock
        stage.pace.append((event.clock, event.done))

    def _measure(self, event: events.Step | events.Evaluated | events.Measured, name: str, value: float) -> None:
        key = (event.stage, name)
        curve = self.curves.get(key)
        if curve is None:
            stage = self._stage(event.stage)
            curve = self.curves[key] = Curve(stage.steps_per_epoch(), stage.began)
        curve.add(event.step, event.epoch, event.clock, value)

    def _rewind(self, event: events.RunResumed) -> None:
        """Forget what earlier attempts said past the point from which this one goes on."""
        self.state, self.ended = "running", None
        past = self._after(event.stage)
        for (stage, _), curve in self.curves.items():
            if stage in past or stage == event.stage:
                curve.cut(-1 if stage in past else event.step)
        for name, records in self.watched.items():
            self.watched[name] = [r for r in records if _before(r, event, past)]
        self.findings = [f for f in self.findings if _before(f, event, past)]
        self.marks = [mark for mark in self.marks if _before(mark, event, past)]
        self.moves = [move for move in self.moves if move.stage == event.stage and move.step < event.step]
        self._mark(event)
        for name in past:
            self.stages[name].state, self.stages[name].step = "waiting", 0
        self.stage = event.stage
        if event.stage:
            here = self._stage(event.stage)
            here.state, here.step, here.epoch, here.ledger = "running", event.step, event.epoch, None
            here.progress = None
            here.pace.clear()


def _before(said: events.Watched | events.Finding | Happened, point: events.RunResumed, past: set[str]) -> bool:
    return said.stage not in past and (said.stage != point.stage or said.step <= point.step)
