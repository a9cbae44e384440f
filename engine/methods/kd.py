"""Knowledge distillation: the student imitates the teacher's softened outputs."""

from __future__ import annotations

from torch import Tensor

from engine import logits, soft_label_controls
from engine.knobs import knob
from engine.method import Knobs, Method, Mix, Needs, Seen, Term
from engine.soft_label_controls import LABELLED, Control


class KD(Method):
    """Hinton's distillation: L = (1 - α) CE + α τ² KL(p^T ‖ p^S)."""

    title = "KD"
    summary = "The student imitates the teacher's softened outputs: τ² KL(p^T ‖ p^S)."
    formula = "L = (1 − α) CE(y, z^S) + α τ^2 KL(p^T ‖ p^S)\np = softmax(z / τ)"
    paper = "Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, arXiv 1503.02531"
    ce_weight = 0.1
    needs = Needs(teacher="logits", labels_when=LABELLED)
    terms = (
        Term(
            "kl", title="KL to the teacher", weight="weight", scale="log",
            help="τ² times the divergence of the student's softened outputs from the teacher's, batch mean.",
        ),
    )  # fmt: skip
    mixes = (Mix("alpha", "Share of distillation in the loss; the rest goes to the labels.", "weight", "ce_weight"),)

    class Params(Knobs):
        """Settings of KD."""

        temperature: float = knob(
            4.0, "Softens the outputs of both: higher shows more of how the teacher ranks the wrong classes.",
            above=0.0, high=1000.0, scale="log", source="4 on CIFAR-100, 1 on ImageNet (RepDistiller, mdistiller)",
        )  # fmt: skip
        weight: float = knob(
            0.9, "Weight of the distillation term.", low=0.0, high=1000.0, source="0.9 beside 0.1 for the labels (mdistiller)"
        )
        control: Control = soft_label_controls.control()

    params: Params

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """The one term. Raises ValueError without a teacher."""
        if seen.teacher is None:
            raise ValueError("KD needs someone's logits: choose a teacher net, or a method that teaches")
        temperature = self.temperature(seen)
        taught = soft_label_controls.controlled(seen.teacher.logits, seen.y, temperature, self.params.control)
        return {"kl": logits.kd(seen.student.logits, taught, temperature)}
