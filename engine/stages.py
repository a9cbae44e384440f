"""Stages of a run: they begin, cost something, obey control, leave checkpoints, and end or are taken up again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from engine.control import Control
from engine.events import StageEnded, StageStarted
from engine.ledger import Ledger
from engine.loop import Batch, Describe, Loop, obey
from engine.report import Reporter

DISTILLING = "distilling"
"""The stage in which the student learns, known by name also where nobody trains (training code takes seconds to import)."""


class Stagehand:
    """Opens and closes stages. `finished` holds what ended stages left behind."""

    def __init__(
        self,
        report: Reporter,
        ledger: Ledger,
        control: Control,
        write: Callable[[dict[str, Any]], None],
        titles: Mapping[str, str],
    ) -> None:
        self.report, self.ledger, self.control = report, ledger, control
        self.finished: dict[str, Any] = {}
        self.costs: dict[str, dict[str, float | int | None]] = {}
        self._write, self._titles = write, titles
        self._state: Callable[[], Any] | None = None
        self._pending: dict[str, dict[str, Any]] = {}

    @contextmanager
    def stage(self, name: str, epochs: int = 0) -> Iterator[Any]:
        """One stage; gives the state a checkpoint kept of it, or None for a fresh start."""
        kept = self._pending.pop(name, None)
        resumed = None if kept is None else kept["state"]
        self.report.stage = name
        if resumed is None:
            self.report.step, self.report.epoch = 0, 0
        self.report.say(StageStarted, stage=name, title=self._titles.get(name, name), epochs=epochs)
        self.ledger.begin(None if kept is None else kept["ledger"])
        yield resumed
        cost = self.ledger.figures()
        self.costs[name] = cost
        self.report.say(StageEnded, stage=name, **cost)
        self.finished[name] = self._state() if self._state else {}
        self._state = None

    def joules(self) -> float | None:
        """Energy of the run so far; None where nothing counts it."""
        counted = [cost["joules"] for cost in (*self.costs.values(), self.ledger.figures()) if cost["joules"] is not None]
        return sum(counted) if counted else None

    def carry(self, state: Callable[[], Any]) -> None:
        """How to store the stage under way."""
        self._state = state

    def drive(
        self,
        loop: Loop,
        take: Callable[[Batch], Tensor],
        *,
        describe: Describe = lambda means, epoch: {},
        after_epoch: Callable[[int], bool] = lambda epoch: False,
    ) -> None:
        """Run a loop under this run's report, ledger and control."""
        loop.run(
            take,
            report=self.report,
            ledger=self.ledger,
            control=self.control,
            save=self.save,
            describe=describe,
            after_epoch=after_epoch,
        )

    def obey(self) -> None:
        """Look at the control between two pieces of work that are not a loop."""
        if not self.control.calm:
            obey(self.control, self.report, self.save)

    def save(self) -> None:
        """Write a checkpoint of the run as it stands."""
        self._write({
            "carried": self._carried(),
            "finished": self.finished,
            "costs": self.costs,
        })  # fmt: skip

    def _carried(self) -> dict[str, dict[str, Any]]:
        """What cut stages left and have not been taken up yet, and the stage under way."""
        if self._state is None:
            return self._pending
        return {**self._pending, self.report.stage: {"state": self._state(), "ledger": self.ledger.figures()}}

    def forget(self, prefix: str) -> None:
        """Drop what finished stages left behind; their results live on in the method that ran them."""
        self.finished = {name: {} if name.startswith(prefix) else left for name, left in self.finished.items()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from what `save` wrote."""
        self.finished, self.costs = dict(state["finished"]), dict(state["costs"])
        self._pending = dict(state["carried"])
