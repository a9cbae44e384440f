"""CTKD: a temperature that is learned against the student, so that what the teacher says becomes ever harder to follow."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from engine.knobs import knob
from engine.method import Facts, Knobs, Method, Needs, Seen, Side, Watch


class _Reversal(torch.autograd.Function):
    """The identity, whose gradient is multiplied by a (negative) factor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return ctx.factor * gradient, None


def reversal(x: Tensor, factor: float) -> Tensor:
    """x, whose gradient is multiplied by `factor`."""
    return _Reversal.apply(x, factor)  # type: ignore[no-any-return,no-untyped-call]


def factor(epoch: int, growth: int) -> float:
    """λ(e) = -½ (1 - cos(π min(e, E) / E)): from 0 to -1 over E epochs, counted from 1; -1 at once for E = 0."""
    return -0.5 * (1.0 - math.cos(math.pi * min(epoch, growth) / growth)) if growth else -1.0


class CTKD(Method):
    """τ = low + range · sigmoid(θ) for every method of the stack that softens logits; θ climbs the losses that they descend."""

    title = "CTKD"
    summary = "Learns the temperature of the stack's methods on logits so that their task becomes harder; no loss of its own."
    formula = "τ = τ_0 + R sigmoid(θ),   θ ← θ − η λ(e) ∂L/∂θ\nλ(e) = −½ (1 − cos(π min(e / E, 1)))"
    paper = "Li et al.: Curriculum Temperature for Knowledge Distillation, AAAI 2023, arXiv 2211.16231"
    needs = Needs(teacher="logits")
    modifies = True
    watches = (
        Watch("temperature", "curve", "The temperature as it is learned."),
        Watch("factor", "curve", "λ, with which its gradient is multiplied: below 0 it climbs the loss.", title="reversal λ"),
    )  # fmt: skip

    class Params(Knobs):
        """Settings of CTKD."""

        start: float = knob(
            1.0, "θ in the beginning; 1 gives a temperature of 15.6.", low=-20.0, high=20.0, level="advanced", title="first θ",
            source="1 (official code)",
        )  # fmt: skip
        low: float = knob(1.0, "Lowest temperature.", above=0.0, high=1000.0, title="lowest temperature", source="1")
        range: float = knob(
            20.0, "How far above the lowest it can rise.", above=0.0, high=1000.0, title="range of temperature", source="20"
        )
        growth: int = knob(
            10, "Epochs in which the reversal grows to its full strength.", low=0, high=10000, unit="epochs",
            title="curriculum", source="10 (official code)",
        )  # fmt: skip

    params: Params

    def build(self, student: Side, teacher: Side | None, facts: Facts) -> None:
        """θ."""
        self.theta = nn.Parameter(torch.tensor(self.params.start))

    def modify(self, seen: Seen) -> Seen:
        """The temperature in the place of every method's own."""
        theta = reversal(self.theta, factor(seen.epoch, self.params.growth))
        return replace(seen, temperature=self.params.low + self.params.range * torch.sigmoid(theta))

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """None of its own."""
        return {}

    def watch(self, seen: Seen) -> dict[str, Tensor]:
        """Temperature and λ."""
        p = self.params
        return {
            "temperature": p.low + p.range * torch.sigmoid(self.theta),
            "factor": torch.tensor(factor(seen.epoch, p.growth)),
        }
