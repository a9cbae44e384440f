"""What an experiment will take, measured: everything of it is built, each long stage takes a few steps, and nothing is kept."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor

from engine import budget
from engine.attempt import Attempt
from engine.control import Control
from engine.data import Pictures, Split
from engine.data.thinned import Thinned, kept_apart
from engine.distilling import STAGE, Distilling
from engine.evaluation import logits_of
from engine.events import Event, StageEnded, StageStarted
from engine.ledger import Ledger
from engine.loop import Batch, Describe, Loop, steps_per_epoch
from engine.plan import titles
from engine.presets import Resolved
from engine.runs import RunFolder
from engine.stages import Stagehand

WARM, LEAST, MOST, ENOUGH = 3, 5, 60, 2.0
"""Steps that are not counted, counted steps at least and at most, and seconds after which a stage has taken enough of them."""
EVALUATED = 1000
"""Images of a split on which evaluation is timed."""
PREPARED, EACH = 2000, 64
"""Images that the methods' preparations look at, at least, and for each class."""

Tell = Callable[[str], None]
"""Takes the title of the stage that is being measured."""


@dataclass(frozen=True)
class StageCost:
    """One stage: seconds that it will take, and what that was told from: `steps` of the run and seconds for each (0: it has
    none), seconds for each of its looks after an epoch, and how it was measured, in words."""

    name: str
    title: str
    seconds: float
    steps: int = 0
    seconds_a_step: float = 0.0
    seconds_a_look: float = 0.0
    words: str = ""


@dataclass(frozen=True)
class Cost:
    """One run of an experiment: its stages; seconds altogether, within its budget of time; `peak_memory` in bytes (of the
    whole process on a CPU, of its tensors on a GPU) beside `memory`, what the device has; how many `repeats` there will be;
    and how it is computed."""

    stages: tuple[StageCost, ...]
    seconds: float
    peak_memory: int
    memory: int
    repeats: int
    resources: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


class _EnoughError(Exception):
    """Enough steps were timed."""


@dataclass
class _Steps:
    """Times the steps of a stage: what a step takes in the long run, the reading of its images included."""

    device: torch.device
    ledger: Ledger
    taken: int = 0
    began: float = 0.0
    seconds: float = 0.0

    def tick(self) -> None:
        """One more step was taken. Raises _EnoughError when that is enough."""
        self.taken += 1
        self.ledger.sample()
        if self.taken == WARM:
            self.began = self._now()
        counted = self.taken - WARM
        if counted >= LEAST and (counted >= MOST or time.perf_counter() - self.began > ENOUGH):
            self.seconds = (self._now() - self.began) / counted
            raise _EnoughError

    def end(self, since: float) -> None:
        """The stage was over before enough steps were taken: they count as they are."""
        if not self.seconds:
            self.seconds = (self._now() - since) / max(1, self.taken)

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


class _Hand(Stagehand):
    """Drives loops for a few steps only. `samples` are the images an epoch really has; `looks` says for a stage after how many
    of its epochs it looks at itself (where it says nothing: after each)."""

    def __init__(self, *given: Any, looks: Mapping[str, int]) -> None:
        super().__init__(*given)
        self.looks, self.samples = looks, 0
        self.timed: dict[str, StageCost] = {}

    def drive(
        self,
        loop: Loop,
        take: Callable[[Batch], Tensor],
        *,
        describe: Describe = lambda means, epoch: {},
        after_epoch: Callable[[int], bool] = lambda epoch: False,
    ) -> None:
        """See `Stagehand.drive`."""
        steps = _Steps(self.ledger.device, self.ledger)

        def timed(batch: Batch) -> Tensor:
            values = take(batch)
            steps.tick()
            return values

        since, last = time.perf_counter(), loop.epochs
        with suppress(_EnoughError):
            super().drive(loop, timed, describe=describe)
        steps.end(since)
        since = time.perf_counter()
        after_epoch(last)
        look, name = time.perf_counter() - since, loop.stage
        whole = last * steps_per_epoch(self.samples, loop.batch_size)
        looks = math.ceil(last / self.looks.get(name, 1))
        words = f"{min(steps.taken, whole):,} of {whole:,} steps"
        title = self._titles.get(name, name)
        self.timed[name] = StageCost(name, title, whole * steps.seconds + looks * look, whole, steps.seconds, look, words)


class _Rehearsal(Attempt):
    """An attempt that evaluates on few images and prepares on few."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.titles = titles(self.experiment, self.methods)
        looks = {STAGE: self.experiment.run.evaluate_every}
        self.hand: _Hand = _Hand(self.report, self.ledger, self.hand.control, self._write, self.titles, looks=looks)
        self.full: Pictures | None = None
        self.share = 1.0

    def _data(self) -> tuple[Pictures, Any]:
        pictures, student = super()._data()
        self.full, self.hand.samples = pictures, len(pictures.train)
        few = (kept_apart(split, EVALUATED) for split in (pictures.heldout, pictures.test))
        return replace(pictures, heldout=next(few), test=next(few)), student

    def _prepare(self, sides: Any, facts: Any, pictures: Pictures, saved: Any) -> None:
        few = Thinned(pictures.train, max(PREPARED, EACH * facts.classes))
        self.share = len(few) / len(pictures.train)
        super()._prepare(sides, facts, replace(pictures, train=few), saved)


def measure(resolved: Resolved, home: Path, tell: Tell, control: Control) -> Cost:
    """What one run of an experiment will take on this machine; `home` is the folder of the runs. Raises what a run raises, and
    Stopped after a stop."""
    heard: list[Event] = []

    def hear(event: Event) -> None:
        heard.append(event)
        if isinstance(event, StageStarted):
            tell(event.title)

    with tempfile.TemporaryDirectory() as folder, _library(home) as library:
        attempt = _Rehearsal(resolved, RunFolder.create(Path(folder), resolved, "probe"), hear, control, library)
        try:
            distilling = attempt.assembled()
            distilling.run()
            more = _evaluating(attempt, distilling)
        finally:
            attempt.close()
        attempt.ledger.sample()
    ended = [event for event in heard if isinstance(event, StageEnded)]
    stages = tuple(_cost(event, attempt, more) for event in ended)
    device = attempt.resources.torch_device if attempt.resources else torch.device("cpu")
    peak = max((event.peak_memory or 0 for event in ended), default=0)
    how = attempt.resources.as_json() if attempt.resources else {}
    repeats = resolved.experiment.run.repeats
    seconds = budget.within(resolved.experiment.run, sum(s.seconds for s in stages))
    return Cost(stages, seconds, peak, _memory(device), repeats, how | {"name": _name(device)})


def _cost(event: StageEnded, attempt: _Rehearsal, more: float) -> StageCost:
    """A stage as it will be: from its steps where it has some, else as it was."""
    found = attempt.hand.timed.get(event.stage)
    if found is not None:
        looks = math.ceil(attempt.experiment.training.epochs / attempt.experiment.run.evaluate_every)
        return replace(found, seconds=found.seconds + looks * more) if event.stage == STAGE else found
    title = attempt.titles.get(event.stage, event.stage)
    if event.stage.partition(".")[0] in attempt.methods and attempt.share < 1:
        words = f"on {attempt.share:.0%} of the images; at most"
        return StageCost(event.stage, title, event.seconds / attempt.share, words=words)
    return StageCost(event.stage, title, event.seconds, words="as it was")


def _evaluating(attempt: _Rehearsal, distilling: Distilling) -> float:
    """Seconds that an evaluation takes beyond what was timed: for the images that were left out."""
    full = attempt.full
    assert full is not None
    pairs = [(getattr(full, name), getattr(distilling.pictures, name)) for name in ("heldout", "test")]
    left = sum(len(whole) - len(few) for whole, few in pairs if whole is not None and few is not None)
    seen: Split | None = distilling.pictures.evaluated
    if not left or seen is None:
        return 0.0
    since = time.perf_counter()
    logits_of(distilling.shown, seen)
    if attempt.ledger.device.type == "cuda":
        torch.cuda.synchronize()
    return left * (time.perf_counter() - since) / len(seen)


@contextmanager
def _library(home: Path) -> Iterator[Path]:
    """The teachers that are kept beside the runs, in a folder that goes again with whatever is put there; in `home`, for the
    runs that teachers come from are looked for beside it."""
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".probe-") as folder:
        for kept in (home / "teachers").glob("*.safetensors"):
            (Path(folder) / kept.name).symlink_to(kept.resolve())
        yield Path(folder)


def _memory(device: torch.device) -> int:
    """Bytes of the device's memory."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return int(psutil.virtual_memory().total)


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def rows(cost: Cost) -> list[tuple[str, ...]]:
    """A table for the terminal: a row for each stage, and one for all."""
    from engine.sweeps.estimate import in_words

    found: list[tuple[str, ...]] = [("stage", "takes", "a step", "measured")]
    for stage in cost.stages:
        step = f"{1000 * stage.seconds_a_step:.1f} ms" if stage.steps else ""
        found.append((stage.title, in_words(stage.seconds), step, stage.words))
    memory = f"peak memory {cost.peak_memory / 1e9:.2f} of {cost.memory / 1e9:.1f} GB"
    cut = ", ended by its budget of time" if cost.seconds < sum(stage.seconds for stage in cost.stages) else ""
    found.append((f"a run{cut}", in_words(cost.seconds), "", memory))
    if cost.repeats > 1:
        found.append((f"{cost.repeats} runs", in_words(cost.repeats * cost.seconds), "", ""))
    return found
