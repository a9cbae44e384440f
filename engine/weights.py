"""The weights of a run's terms: as its settings say, or as a person moved them while it went on."""

from __future__ import annotations

from collections.abc import Mapping

from engine.stack import Stack

LABELS = "ce"
"""The cross-entropy with the labels among the terms; among the weighted ones it is called `labels`."""


class Weights:
    """The weight of every term at an epoch. What was moved counts from the next step on, and is part of a checkpoint."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        cast = stack.cast
        self._said = {name: cast.methods[key].full_weight(term) for name, key, term in stack.terms} | {LABELS: cast.ce_weight}
        self.moved: dict[str, float] = {}
        self._at: tuple[int, dict[str, float]] = (0, {})

    def at(self, epoch: int) -> dict[str, float]:
        """Every term's weight at an epoch counted from 1, warm-up included; that of the labels as `labels`."""
        if self._at[0] != epoch:
            grown = self._stack.grown(epoch)
            found = {name: self._full(name) * share for name, share in grown.items()}
            self._at = (epoch, {**found, "labels": self._full(LABELS)})
        return self._at[1]

    def _full(self, name: str) -> float:
        return self.moved.get(name, self._said[name])

    def knows(self, term: str) -> bool:
        """Whether the run has such a term."""
        return term in self._said

    def move(self, term: str, weight: float) -> float:
        """Give a term another weight, as it is after its warm-up; the one it had. A term moved back to where the settings
        have it counts as moved, for what it was in between has left its traces."""
        before = self._full(term)
        self.moved[term] = weight
        self._at = (0, {})
        return before

    def state(self) -> dict[str, float]:
        """What was moved, for a checkpoint."""
        return dict(self.moved)

    def load(self, state: Mapping[str, float]) -> None:
        """The inverse of `state`."""
        self.moved = {str(term): float(weight) for term, weight in state.items()}
        self._at = (0, {})
