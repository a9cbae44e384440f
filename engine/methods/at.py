"""Attention transfer: the student looks where the teacher looks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from engine.adapters import matched
from engine.knobs import knob
from engine.method import Facts, Features, Knobs, Method, Needs, Seen, Side, Term, Watch


def attention(f: Tensor, power: float = 2.0) -> Tensor:
    """Q(F), (B, HW): the mean over channels of |F|^p of a map (B, C, H, W), flattened and of length 1."""
    return functional.normalize(f.abs().pow(power).mean(dim=1).flatten(1))


def attention_loss(f_s: Tensor, f_t: Tensor, power: float = 2.0) -> Tensor:
    """mean over batch and places of (Q(F^S) - Q(F^T))², the larger map averaged to the size of the other first. A scalar."""
    f_s, f_t = matched(f_s, f_t)
    return (attention(f_s, power) - attention(f_t, power)).square().mean()


class AT(Method):
    """L = CE + w · Σ over stages of the mean squared difference of normalized attention maps."""

    title = "AT"
    summary = "The student learns where in the image the teacher is active, at every stage; channels need not agree."
    formula = (
        "L = CE(y, z^S) + w Σ_i mean (Q(F_i^S) − Q(F_i^T))^2,   i over the stages\n"
        "Q(F) = q / ‖q‖,   q = mean_c |F_c|^p at each place"
    )
    paper = "Zagoruyko, Komodakis: Paying More Attention to Attention, ICLR 2017, arXiv 1612.03928"
    needs = Needs(teacher="net")
    features = (Features(stages="all", places=True),)
    terms = (
        Term(
            "attention", weight="weight", scale="log",
            help="Mean squared difference of the normalized attention maps, summed over the stages.",
        ),
    )  # fmt: skip
    watches = (
        Watch(
            "stages", "distribution", "Each stage's share of the term: how far apart the attention maps are at that depth.",
            title="attention by stage",
        ),
    )  # fmt: skip

    class Params(Knobs):
        """Settings of AT."""

        power: float = knob(
            2.0, "Exponent p of |F|^p: higher looks at the strongest places only.", low=1.0, high=8.0,
            level="advanced", source="2 (RepDistiller, mdistiller)",
        )  # fmt: skip
        weight: float = knob(
            1000.0,
            "Weight of the attention maps: large, for the loss is a mean over places. Maps of half the side want a quarter.",
            low=0.0, high=1e6, scale="log", source="1000 (RepDistiller, mdistiller), for images of 32 pixels",
        )  # fmt: skip

    params: Params

    def build(self, student: Side, teacher: Side | None, facts: Facts) -> None:
        """Nothing is trained beside the student."""
        self.pairs = tuple((match.student, match.teacher) for match in self.matches(student, teacher))

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """The one term."""
        return {"attention": self._by_stage(seen).sum()}

    def watch(self, seen: Seen) -> dict[str, Tensor]:
        """The term of each stage, (stages,)."""
        return {"stages": self._by_stage(seen)}

    def names(self, watch: str) -> tuple[str, ...]:
        """The student's stages."""
        return tuple(s for s, _ in self.pairs)

    def _by_stage(self, seen: Seen) -> Tensor:
        if seen.teacher is None:
            raise ValueError("AT looks into a teacher net: choose one")
        own, other = seen.student.taps, seen.teacher.taps
        return torch.stack([attention_loss(own[s], other[t], self.params.power) for s, t in self.pairs])
