"""Decoupled distillation: the target class and the ranking of all others are taught by two terms of their own."""

from __future__ import annotations

from torch import Tensor

from engine import logits, soft_label_controls
from engine.knobs import knob
from engine.method import Knobs, Method, Needs, Seen, Term
from engine.soft_label_controls import Control


class DKD(Method):
    """L = CE + w(e) (α TCKD + β NCKD), w growing linearly to 1 over the warm-up."""

    title = "DKD"
    summary = "Splits KD into what the teacher says of the right class and of the others, and weighs the two apart."
    formula = (
        "L = CE(y, z^S) + w(e) (α TCKD + β NCKD),   w(e) = min(e / E_{warm-up}, 1)\n"
        "TCKD = τ^2 KL([p_y^T, 1 − p_y^T] ‖ [p_y^S, 1 − p_y^S])\n"
        "NCKD = τ^2 KL(p̂^T ‖ p̂^S),   p̂_c = p_c / (1 − p_y) for c ≠ y,   p = softmax(z / τ)"
    )
    paper = "Zhao, Cui, Song, Qiu, Liang: Decoupled Knowledge Distillation, CVPR 2022, arXiv 2203.08679"
    ce_weight = 1.0
    needs = Needs(teacher="logits", labels=True)
    terms = (
        Term(
            "tckd", title="target class", weight="alpha", warmup="warmup", scale="log",
            help="τ² KL of [p_y, 1 - p_y]: how sure the teacher is of the right class.",
        ),
        Term(
            "nckd", title="other classes", weight="beta", warmup="warmup", scale="log",
            help="τ² KL of the outputs among the classes other than the right one.",
        ),
    )  # fmt: skip

    class Params(Knobs):
        """Settings of DKD."""

        temperature: float = knob(
            4.0, "Softens the outputs of both.", above=0.0, high=1000.0, scale="log", source="4 on CIFAR-100, 1 on ImageNet"
        )
        alpha: float = knob(
            1.0, "Weight of the target class (TCKD).", low=0.0, high=1000.0, source="1 for every published pair"
        )
        beta: float = knob(
            8.0, "Weight of the other classes (NCKD).", low=0.0, high=1000.0, source="2 to 8 by pair on CIFAR-100"
        )
        warmup: int = knob(
            20, "Epochs in which both weights grow to their full value.", low=0, high=10000, unit="epochs",
            title="warm-up", source="20 on CIFAR-100, 1 on ImageNet",
        )  # fmt: skip
        control: Control = soft_label_controls.control()

    params: Params

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """Both terms. Raises ValueError without a teacher or without labels."""
        if seen.teacher is None or seen.y is None:
            raise ValueError("DKD needs labels and someone's logits: choose a teacher net, or a method that teaches")
        temperature = self.temperature(seen)
        taught = soft_label_controls.controlled(seen.teacher.logits, seen.y, temperature, self.params.control)
        target, rest = logits.dkd(seen.student.logits, taught, seen.y, temperature)
        return {"tckd": target, "nckd": rest}
