"""Says a run's facts: into its folder, to whoever listens, and to the checks that turn evidence into findings."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.cards import Watch
from engine.events import (
    Event,
    Finding,
    Measured,
    Note,
    Progressed,
    RunEnded,
    RunResumed,
    RunStarted,
    StageStarted,
    Watched,
    WeightMoved,
)
from engine.findings import Check, latest
from engine.ledger import Clock
from engine.runs import RunFolder

Sink = Callable[[Event], None]

PAUSE = 0.25
"""Least seconds between two words about the progress of one thing."""


class Reporter:
    """One run's voice. `stage`, `step` and `epoch` are where the run is; they stamp what is said."""

    def __init__(
        self, folder: RunFolder, sink: Sink, clock: Clock, checks: Iterable[Check], settings: Mapping[str, Any]
    ) -> None:
        self.folder, self.sink, self.clock = folder, sink, clock
        self.stage, self.step, self.epoch = "", 0, 0
        self._settings = settings
        self._evidence: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self._said: set[str] = set()
        self._progress: tuple[str, str, float] = ("", "", 0.0)
        self._checks: dict[str, list[Check]] = defaultdict(list)
        for check in checks:
            for name in check.reads:
                self._checks[name].append(check)

    def say(self, kind: type[Event], /, **facts: Any) -> None:
        """Stamp, store and pass on one event."""
        event = kind(at=time.time(), clock=self.clock.seconds(), **facts)
        self.folder.append(event)
        words = _words(event)
        if words:
            self.folder.log(words)
        self.sink(event)

    def here(self) -> dict[str, Any]:
        """Where the run is, as the fields most events carry."""
        return {"stage": self.stage, "step": self.step, "epoch": self.epoch}

    def note(self, text: str, severity: str = "info") -> None:
        """A sentence for the log."""
        self.say(Note, text=text, severity=severity)

    def progress(self, what: str, done: int, total: int, unit: str) -> None:
        """Say how far something without steps has come, at most four times a second; its beginning and end always."""
        stage, last, at = self._progress
        ended = 0 < total <= done
        if (stage, last) == (self.stage, what) and not ended and time.monotonic() - at < PAUSE:
            return
        self._progress = (self.stage, what, time.monotonic())
        self.say(Progressed, stage=self.stage, what=what, done=done, total=total, unit=unit)

    def measure(self, values: Mapping[str, float]) -> None:
        """Report scalars, remember them as evidence, and ask the checks that read them."""
        if values:
            self.say(Measured, values={k: float(v) for k, v in values.items()}, **self.here())
            self.observe(values)

    def observe(self, values: Mapping[str, float]) -> None:
        """Take scalars as evidence that another event has already reported."""
        for name, value in values.items():
            self._evidence[name].append((self.epoch, float(value)))
        asked = {check.key: check for name in values for check in self._checks.get(name, ())}
        for check in asked.values():
            self._ask(check)

    def latest(self, name: str) -> float | None:
        """The newest value of a scalar that was measured or observed; None where it never was."""
        return latest(self._evidence, name)

    def _ask(self, check: Check) -> None:
        if check.key in self._said:
            return
        found = check.look(self._evidence, self._settings)
        if found is None:
            return
        self._said.add(check.key)
        self.say(
            Finding,
            check=check.key,
            severity=check.severity,
            sentence=found.sentence,
            evidence=found.evidence,
            criterion=check.criterion,
            fix=found.fix,
            **self.here(),
        )

    def show(self, name: str, watch: Watch, value: Any, labels: Mapping[str, list[Any]] | None = None) -> None:
        """Report a watch under its full name: a curve is a scalar, a table is rows, the rest an array on disk."""
        if watch.kind == "curve":
            self.measure({name: float(value)})
            return
        if watch.kind == "table":
            self.say(Watched, watch=name, kind="table", rows=tuple(value), labels=dict(labels or {}), **self.here())
            return
        file, offset, shape, dtype = self.folder.record(name, _array(value))
        self.say(
            Watched,
            watch=name,
            kind=watch.kind,
            file=file,
            offset=offset,
            shape=shape,
            dtype=dtype,
            labels=dict(labels or {}),
            **self.here(),
        )

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps: evidence and what has been found."""
        return {
            "evidence": {k: [list(pair) for pair in v] for k, v in self._evidence.items()},
            "said": sorted(self._said),
            "clock": self.clock.seconds(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`; the clock goes on from where it stood."""
        self._evidence = defaultdict(list, {k: [(int(e), float(v)) for e, v in p] for k, p in state["evidence"].items()})
        self._said = set(state["said"])
        self.clock.before = float(state["clock"])
        self.clock.go()


def _words(event: Event) -> str:
    """What `log.txt` says of an event; nothing of numbers and pictures."""
    match event:
        case RunStarted():
            return f"started: {event.title}, seed {event.seed}"
        case RunResumed():
            return f"resumed at {event.stage or 'the beginning'}, step {event.step}"
        case StageStarted():
            return f"stage: {event.title}"
        case Note():
            return f"{event.severity}: {event.text}"
        case Finding():
            return f"finding: {event.sentence}"
        case WeightMoved():
            return f"weight of {event.term} moved from {event.before:g} to {event.after:g} at step {event.step}"
        case RunEnded():
            return f"{event.outcome}: {event.sentence}"
        case _:
            return ""


def _array(value: Tensor) -> np.ndarray:
    kept = value if value.dtype == torch.uint8 else value.float()
    return kept.detach().cpu().contiguous().numpy()
