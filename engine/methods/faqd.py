"""FAQD's loss: at every stage the student sees as alike those places of an image that the teacher sees as alike."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine import affinity, logits
from engine.affinity import checks as affinity_checks
from engine.knobs import Condition, knob
from engine.method import Facts, Features, Knobs, Lab, Match, Method, Needs, Seen, Side, Term, Watch

FAST: Condition = {"affinity": ("fast",)}
KL: Condition = {"logit_loss": ("kl",)}
ADAPTED: Condition = {"adapter": ("trained", "frozen")}
BARE: Condition = {"adapter": ("none",)}
LIKELY = 0.01
"""A class is one that the teacher believes in from this probability on."""


def surprise(z_s: Tensor, z_t: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
    """The largest -ln p^S, in nats, of a class whose p^T is above .01, for logits (B, C): how far KL's logarithm runs away. A
    scalar, 0 where the teacher believes in nothing."""
    log_s = torch.log_softmax(z_s / temperature, dim=1)
    return torch.where(logits.soft_labels(z_t, temperature) > LIKELY, -log_s, 0.0).max()


class Adapter(nn.Module):
    """ReLU of a 1 x 1 convolution with bias, as wide as its input: (B, C, H, W) to the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)

    def forward(self, f: Tensor) -> Tensor:
        """The map that is compared, without negative entries."""
        return functional.relu(self.conv(f))


class FAQD(Method):
    """L = γ CE + β L_logit + α Σ over stages of L_affinity; without labels γ = 0.

    Affinity terms are (1/(HW)²) Σ Δ_ij² or Σ |Δ_ij| of Δ = S(A(F^S)) - S(F^T) per image, A an adapter, the teacher's map
    brought to the student's size bilinearly.
    """

    title = "FAQD"
    summary = "The student sees as alike the places of an image that its teacher sees as alike; with labels or without."
    formula = (
        "L = γ CE(y, z^S) + β L_{logit} + α Σ_i mean (S(A(F_i^S)) − S(F_i^T))^2,   i over the stages\n"
        "S_{jk}(F) = ⟨f_j, f_k⟩ / (‖f_j‖ ‖f_k‖) for places j, k of one map,   A: adapter\n"
        "fast: ‖Δ‖^2 estimated by the mean of ‖Δ g‖^2 over k random vectors g"
    )
    paper = "Li, Yang, Yin, Qi, Xin: Feature Affinity Assisted Knowledge Distillation and Quantization, arXiv 2302.10899"
    ce_weight = 0.3
    needs = Needs(teacher="net", logits=True)
    features = (
        Features(stages="all", adapter="affinity", places=True, when=ADAPTED),
        Features(stages="all", adapter="affinity bare", places=True, when=BARE),
    )
    checks = affinity_checks.of("faqd")
    terms = (
        Term("affinity", weight="alpha", scale="log",
             help="How differently the two nets see places as alike, over (HW)², summed over the stages."),
        Term("logits", weight="beta", scale="log",
             help="Distance of the student's logits from the teacher's: mean squared error, or τ² KL."),
    )  # fmt: skip
    watches = (
        Watch("stages", "distribution", "Root mean square difference of the affinities at each stage, as the loss sees them: "
              "behind the adapter.", title="affinity error by stage"),
        Watch("estimate_error", "curve", "How far the estimate is from the exact loss that it estimates, relative to it.",
              title="error of the estimate", when=FAST),
        Watch("estimate_by_stage", "distribution", "The same at each stage.", title="error of the estimate by stage",
              when=FAST),
        Watch("surprise", "curve", "Largest -ln p of the student's for a class that the teacher gives more than .01, softened "
              "as in the loss.", title="largest surprise", unit="nats", when=KL),
    )  # fmt: skip

    class Params(Knobs):
        """Settings of FAQD."""

        definition: Literal["squared", "absolute"] = knob(
            "squared", "squared: squared differences of affinities, as in the paper; absolute: absolute ones, as in the "
            "released code, whose cost grows with the fourth power of a map's side.",
            source="squared in the paper, absolute in the released code",
        )  # fmt: skip
        affinity: Literal["exact", "fast"] = knob(
            "exact", "fast: estimate the loss by random projections. Of squared differences the exact loss often costs less.",
            source="both in the released code",
        )  # fmt: skip
        projections: int = knob(
            15, "How many random projections (k). The error falls with the root of k; from ¾ of a map's channels on the exact "
            "squared loss costs less.", low=1, high=4096, when=FAST, source="15 in the released code",
        )  # fmt: skip
        draw: Literal["fixed", "fresh"] = knob(
            "fixed", "fixed: one draw of the projections for the whole run; fresh: another in every step.", when=FAST,
            level="advanced", source="fixed in the released code",
        )  # fmt: skip
        adapter: Literal["trained", "frozen", "none"] = knob(
            "trained", "What the student's maps pass before they are compared: a 1 × 1 convolution and a ReLU, which makes "
            "cosines positive as those of a teacher's activated maps are. frozen: it stays as it was drawn.",
            source="trained, but for a script that forgets to",
        )  # fmt: skip
        alpha: float = knob(
            10.0, "Weight of the affinity (α).", low=0.0, high=1e6, scale="log", title="weight of the affinity",
            source="0.1 of a sum over batches of 100, which is 10 of a mean (absolute); for squared try 1 to 300",
        )  # fmt: skip
        logit_loss: Literal["mse", "kl"] = knob(
            "mse", "How logits are compared: mean squared error, said to suit students from scratch, or τ² KL, said to suit "
            "the fine-tuning of trained ones.", source="mse in the released code",
        )  # fmt: skip
        temperature: float = knob(
            5.0, "Softens the logits of both.", above=0.0, high=1000.0, scale="log", when=KL,
            source="5 (full quantization), 3 (weights alone, Tiny-ImageNet)",
        )  # fmt: skip
        beta: float = knob(1.0, "Weight of the logits (β).", low=0.0, high=1e6, title="weight of the logits", source="1")
        reduction: Literal["mean", "sum"] = knob(
            "mean", "Over the images of a batch. sum: affinity and KL grow with the batch, as in the released code.",
            level="advanced", source="sum in the released code",
        )  # fmt: skip

    params: Params

    def build(self, student: Side, teacher: Side | None, facts: Facts) -> None:
        """An adapter for each stage, and the projections where they are drawn once."""
        p, self.pairs = self.params, self.matches(student, teacher)
        self.adapters = nn.ModuleList(
            nn.Identity() if p.adapter == "none" else Adapter(match.student_shape[0]) for match in self.pairs
        )
        if p.adapter == "frozen":
            self.adapters.requires_grad_(False)
        if p.affinity == "fast" and p.draw == "fixed":
            for match in self.pairs:
                self.register_buffer(f"projections_{match.student}", torch.randn(_places(match), p.projections))

    def prepare(self, lab: Lab) -> None:
        """Compare what estimate and exact loss cost; nothing else has to be prepared."""
        if self.params.affinity == "fast" and self.params.definition == "squared":
            costs = (
                affinity.cost_of_estimate(m.student_shape[0], m.teacher_shape[0], self.params.projections) for m in self.pairs
            )
            lab.measure({"estimate_cost": max(costs)})

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """Both terms. Raises ValueError without a teacher net."""
        pairs = self._maps(seen)
        each = [self._compared(f_s, f_t, seen, match) for match, (f_s, f_t) in zip(self.pairs, pairs)]
        return {"affinity": self._reduced(torch.stack(each).sum(dim=0)), "logits": self._of_logits(seen)}

    def watch(self, seen: Seen) -> dict[str, Tensor]:
        """The affinity error of each stage, and how far estimates and logarithms have gone."""
        p, pairs = self.params, self._maps(seen)
        found = {"stages": torch.stack([affinity.affinity_error(f_s, f_t) for f_s, f_t in pairs])}
        if p.affinity == "fast":
            estimates = torch.stack([
                self._compared(f_s, f_t, seen, match).mean() for match, (f_s, f_t) in zip(self.pairs, pairs)
            ])  # fmt: skip
            targets = torch.stack([self._estimated(f_s, f_t).mean() for f_s, f_t in pairs])
            tiny = torch.finfo(targets.dtype).tiny
            found["estimate_by_stage"] = (estimates - targets).abs() / targets.clamp_min(tiny)
            found["estimate_error"] = (estimates.sum() - targets.sum()).abs() / targets.sum().clamp_min(tiny)
        if p.logit_loss == "kl":
            own, other = self._logits(seen)
            found["surprise"] = surprise(own, other, self.temperature(seen))
        return found

    def names(self, watch: str) -> tuple[str, ...]:
        """The student's stages."""
        return tuple(match.student for match in self.pairs)

    def _maps(self, seen: Seen) -> list[tuple[Tensor, Tensor]]:
        """The maps of each stage that are compared, at the student's size."""
        if seen.teacher is None:
            raise ValueError("FAQD looks into a teacher net: choose one")
        own, other = seen.student.taps, seen.teacher.taps
        found = ((adapter(own[m.student]), other[m.teacher]) for adapter, m in zip(self.adapters, self.pairs))
        return [(f_s, affinity.resized(f_t, f_s)) for f_s, f_t in found]

    def _compared(self, f_s: Tensor, f_t: Tensor, seen: Seen, match: Match) -> Tensor:
        """(B,): the affinity loss of each image at one stage, over (HW)²."""
        p = self.params
        if p.affinity == "exact":
            of = affinity.squared if p.definition == "squared" else affinity.absolute
            return of(f_s, f_t) / _places(match) ** 2
        of_projected = affinity.squared_estimate if p.definition == "squared" else affinity.absolute_estimate
        return of_projected(f_s, f_t, self._projections(seen, match, f_s)) / _places(match) ** 2

    def _projections(self, seen: Seen, match: Match, f_s: Tensor) -> Tensor:
        """(HW, k) of N(0, 1), the same for every image of a batch."""
        if self.params.draw == "fixed":
            return self.get_buffer(f"projections_{match.student}")
        shape = (_places(match), self.params.projections)
        return torch.randn(shape, generator=seen.generator, device=f_s.device, dtype=f_s.dtype)

    def _estimated(self, f_s: Tensor, f_t: Tensor) -> Tensor:
        """(B,): what the estimate has as its mean over all draws, over (HW)²."""
        places = f_s.shape[2] * f_s.shape[3]
        if self.params.definition == "squared":
            return affinity.squared(f_s, f_t) / places**2
        return math.sqrt(2 / math.pi) * affinity.row_norms(f_s, f_t).sum(dim=1).to(f_s.dtype) / places**2

    def _of_logits(self, seen: Seen) -> Tensor:
        own, other = self._logits(seen)
        if self.params.logit_loss == "mse":
            return functional.mse_loss(own, other)
        mean = logits.kd(own, other, self.temperature(seen))
        return mean * len(own) if self.params.reduction == "sum" else mean

    def _logits(self, seen: Seen) -> tuple[Tensor, Tensor]:
        assert seen.teacher is not None
        return seen.student.logits, seen.teacher.logits

    def _reduced(self, of_images: Tensor) -> Tensor:
        return of_images.sum() if self.params.reduction == "sum" else of_images.mean()


def _places(match: Match) -> int:
    """H · W of the student's map, at which both are compared."""
    return math.prod(match.student_shape[1:])
