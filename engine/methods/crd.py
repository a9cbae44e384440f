"""CRD: the student tells, as its teacher does, one image from thousands of images of other classes."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.data import DataError
from engine.knobs import knob
from engine.method import Facts, Features, Knobs, Match, Method, Needs, Seen, Side, Term, Watch

TINY = 1e-7
"""Beside each denominator, as in the published code."""


def contrast_loss(u: Tensor, samples: int) -> Tensor:
    """-(1/B) [Σ_b ln(u_b0 / (u_b0 + c)) + Σ_b Σ_k ln((K/N) / (u_bk + c))], c = K/N + 1e-7, a scalar: noise-contrastive
    estimation of which image of a row belongs to it.

    u (B, 1 + K): how likely each image of a row is, its own first; `samples` is N, the images they were drawn from.
    """
    noise = (u.shape[1] - 1) / samples
    denominators = (u + (noise + TINY)).log()
    own = u[:, 0].log() - denominators[:, 0]
    others = math.log(noise) - denominators[:, 1:]
    return -(own.sum() + others.sum()) / len(u)


def strangers(y: Tensor, labels: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """(B, count): for each image of class y (B,) the positions of images of other classes, evenly drawn and none twice;
    `labels` (N,) are the classes of all. There must be `count` of them."""
    chance = torch.rand(len(y), len(labels), generator=generator, device=labels.device)
    chance.masked_fill_(labels == y[:, None], -1.0)
    return chance.topk(count, dim=1, sorted=False).indices


def strangers_again(y: Tensor, labels: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """As `strangers`, but each image may be drawn several times, so that any count can be had of any other class."""
    in_order = labels.argsort(stable=True)
    counts = torch.bincount(labels)
    sizes = counts[y][:, None]
    starts = (counts.cumsum(0) - counts)[y][:, None]
    drawn = torch.rand(len(y), count, generator=generator, device=labels.device) * (len(labels) - sizes)
    place = torch.minimum(drawn.long(), len(labels) - sizes - 1)
    return in_order[place + (place >= starts) * sizes]


def fellows(y: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """(B,): for each image of class y (B,) the position of one of its class, itself not excluded."""
    chance = torch.rand(len(y), len(labels), generator=generator, device=labels.device)
    return chance.masked_fill_(labels != y[:, None], -1.0).argmax(dim=1)


class CRD(Method):
    """L = CE + w · (L(u^S) + L(u^T)): each net's embedding of an image against the other net's memory of that image and of K
    images of other classes."""

    title = "CRD"
    summary = "Each image against thousands of others, of which both nets' embeddings are remembered; widths need not agree."
    formula = (
        "L = CE(y, z^S) + w (ℓ(u^S) + ℓ(u^T)),   u_{bk} = exp(⟨v_b, m_k⟩ / τ) / Z\n"
        "ℓ(u) = −mean_b [ln (u_{b0} / (u_{b0} + K/N)) + Σ_k ln ((K/N) / (u_{bk} + K/N))]\n"
        "v_b: one net's embedding of image b;   m_0: the other net's memory of it, m_1 … m_K of others;   N images"
    )
    paper = "Tian, Krishnan, Isola: Contrastive Representation Distillation, ICLR 2020, arXiv 1910.10699"
    needs = Needs(teacher="net", labels=True, index=True)
    features = (Features(stages="pooled", adapter="crd"),)
    terms = (
        Term("student", title="student's embedding", weight="weight", scale="log",
             help="The student's embedding of an image against the teacher's of that image and of others."),
        Term("teacher", title="teacher's embedding", weight="weight", scale="log", own=True,
             help="The teacher's embedding of an image against the student's of that image and of others; it teaches the "
             "teacher's embedding alone."),
    )  # fmt: skip
    watches = (
        Watch("alike", "curve", "Mean cosine of both nets' embeddings of the same image of the probe.", title="same image"),
        Watch("apart", "curve", "Mean cosine of one net's embedding of an image and the other's of another image.",
              title="other images"),
    )  # fmt: skip

    class Params(Knobs):
        """Settings of CRD."""

        weight: float = knob(0.8, "Weight of both embeddings.", low=0.0, high=1e6, source="0.8 (RepDistiller, mdistiller)")
        negatives: int = knob(
            16384, "Images of other classes that each image is contrasted with (K); where there are fewer, some come twice.",
            low=1, high=1_000_000, scale="log", source="16384 (RepDistiller, mdistiller)",
        )  # fmt: skip
        temperature: float = knob(
            0.07, "Divides the cosines of embeddings.", above=0.0, high=10.0, scale="log", source="0.07 (RepDistiller)"
        )
        width: int = knob(
            128, "Numbers in an embedding.", low=1, high=4096, level="advanced", title="width of embeddings", source="128"
        )
        momentum: float = knob(
            0.5, "Share of what was remembered of an image that stays when it is seen again.", low=0.0, high=1.0,
            level="advanced", source="0.5 (RepDistiller)",
        )  # fmt: skip
        mode: Literal["exact", "relax"] = knob(
            "exact", "What an image is to be told from the others: exact: the same image; relax: any one of its class.",
            level="advanced", source="exact (RepDistiller)",
        )  # fmt: skip

    params: Params

    def build(self, student: Side, teacher: Side | None, facts: Facts) -> None:
        """Both embeddings, and what is remembered of every training image. Raises DataError for images of one class."""
        p = self.params
        (self.match,) = self.matches(student, teacher)
        self.embed_student, self.embed_teacher = _embeddings(self.match, p.width)
        if facts.labels is None:
            raise ValueError("CRD needs labels to know which images belong to another class; turn dataset.labels on")
        labels = facts.labels
        others = facts.samples - int(torch.bincount(labels).max())
        if others < 1:
            raise DataError("CRD contrasts images of different classes, and all training images are of one class")
        self.draw = strangers if p.negatives <= others else strangers_again
        bound = 1.0 / math.sqrt(p.width / 3)
        self.memory_student: Tensor
        self.memory_teacher: Tensor
        self.scale_student: Tensor
        self.scale_teacher: Tensor
        self.labels: Tensor
        for who in ("student", "teacher"):
            self.register_buffer(f"memory_{who}", torch.empty(facts.samples, p.width).uniform_(-bound, bound))
            self.register_buffer(f"scale_{who}", torch.zeros(()))
        self.register_buffer("labels", labels, persistent=False)

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """Both terms; the memory is refreshed after. Raises ValueError without a teacher net or without labels."""
        if seen.y is None:
            raise ValueError("CRD needs labels to know which images belong to another class; turn dataset.labels on")
        v_s, v_t = self._embedded(seen)
        index = self._rows(seen.y, seen.index, seen.generator)
        found = {
            "student": self._contrasted(v_s, self.memory_teacher, index, self.scale_student),
            "teacher": self._contrasted(v_t, self.memory_student, index, self.scale_teacher),
        }
        self._remember(seen.index, v_s.detach(), v_t.detach())
        return found

    def _embedded(self, seen: Seen) -> tuple[Tensor, Tensor]:
        """(B, width) each, of length 1."""
        if seen.teacher is None:
            raise ValueError("CRD looks into a teacher net: choose one")
        own, other = seen.student.taps[self.match.student], seen.teacher.taps[self.match.teacher]
        return functional.normalize(self.embed_student(own)), functional.normalize(self.embed_teacher(other))

    def _rows(self, y: Tensor, own: Tensor, generator: torch.Generator) -> Tensor:
        """(B, 1 + K): what each image is contrasted with, first what it is to be told from the others."""
        first = own if self.params.mode == "exact" else fellows(y, self.labels, generator)
        return torch.cat([first[:, None], self.draw(y, self.labels, self.params.negatives, generator)], dim=1)

    def _contrasted(self, v: Tensor, memory: Tensor, index: Tensor, scale: Tensor) -> Tensor:
        """The loss of embeddings (B, width) against remembered ones. Its scale Z is that of the first batch: the mean there
        times N.

        All of the memory is multiplied, for gathering K rows of it for each image takes far more memory and time; a copy of it,
        for it changes before the gradient is taken.
        """
        likely = ((v @ memory.clone().T).gather(1, index) / self.params.temperature).exp()
        with torch.no_grad():
            scale.copy_(torch.where(scale > 0, scale, likely.mean() * len(memory)))
        return contrast_loss(likely / scale.clone(), len(memory))

    @torch.no_grad()
    def _remember(self, index: Tensor, v_s: Tensor, v_t: Tensor) -> None:
        """Move what is remembered of these images towards what was seen; what is not finite is not remembered."""
        share = self.params.momentum
        for memory, v in ((self.memory_student, v_s), (self.memory_teacher, v_t)):
            before = memory[index]
            after = functional.normalize(share * before + (1 - share) * v)
            memory[index] = torch.where(after.isfinite().all(dim=1, keepdim=True), after, before)

    def watch(self, seen: Seen) -> dict[str, Tensor]:
        """Cosines of the probe's images, which the memory knows nothing of."""
        v_s, v_t = self._embedded(seen)
        cosines = v_s @ v_t.T
        own = cosines.diagonal()
        return {"alike": own.mean(), "apart": (cosines.sum() - own.sum()) / max(cosines.numel() - len(own), 1)}


def _embeddings(match: Match, width: int) -> tuple[nn.Linear, nn.Linear]:
    return nn.Linear(match.student_shape[0], width), nn.Linear(match.teacher_shape[0], width)
