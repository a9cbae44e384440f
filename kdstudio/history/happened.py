"""What happened while a run went on and is marked in its plots: a weight moved, a resume, a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from engine import events
from kdstudio.history.curve import XAxis


class Timed(Protocol):
    """What is needed of a stage to place something in it."""

    began: float

    def steps_per_epoch(self) -> float:
        """Steps an epoch has; 0 where unknown."""


@dataclass(frozen=True)
class Happened:
    """Something at a step of a stage; `clock` is the run's running time in seconds."""

    stage: str
    step: int
    epoch: int
    clock: float
    words: str

    def x(self, axis: XAxis, stage: Timed) -> float:
        """Where it stands on an x axis, as a measurement at that step would."""
        if axis == "time":
            return self.clock - stage.began
        per_epoch = stage.steps_per_epoch()
        return float(self.step) if axis == "step" else self.step / per_epoch if per_epoch else float(self.epoch)


def happened(event: events.Event, terms: Mapping[str, str]) -> Happened | None:
    """What an event marks in the plots of its stage, in a run whose terms are called so; None for what they show anyway."""
    match event:
        case events.WeightMoved():
            words = f"weight of {terms.get(event.term, event.term)}: {event.before:g} → {event.after:g}"
        case events.RunResumed(stage=stage) if stage:
            words = "resumed"
        case events.Finding(severity=severity) if severity != "info":
            words = event.sentence
        case _:
            return None
    return Happened(event.stage, event.step, event.epoch, event.clock, words)
