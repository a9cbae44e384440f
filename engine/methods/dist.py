"""DIST: the student need not repeat the teacher's probabilities, only be correlated with them."""

from __future__ import annotations

from torch import Tensor

from engine import logits, soft_label_controls
from engine.knobs import knob
from engine.method import Knobs, Method, Needs, Seen, Term
from engine.soft_label_controls import LABELLED, Control


class DIST(Method):
    """L = CE + 2 (β L_inter + γ L_intra), each τ² (1 - Pearson's correlation) of softened outputs."""

    title = "DIST"
    summary = "Correlation with the teacher's outputs, not equality: of each image over classes, of each class over images."
    formula = (
        "L = CE(y, z^S) + w_{inter} τ^2 (1 − mean_b ρ(p_b^S, p_b^T)) + w_{intra} τ^2 (1 − mean_c ρ(p_c^S, p_c^T))\n"
        "ρ: Pearson's correlation, of the rows b (images) and of the columns c (classes) of p = softmax(z / τ)"
    )
    paper = "Huang, You, Wang, Qian, Xu: Knowledge Distillation from a Stronger Teacher, NeurIPS 2022, arXiv 2205.10536"
    needs = Needs(teacher="logits", labels_when=LABELLED)
    terms = (
        Term("inter", title="between classes", weight="inter",
             help="τ² (1 - correlation over the classes of an image), averaged over images."),
        Term("intra", title="within classes", weight="intra",
             help="τ² (1 - correlation over the images of a class), averaged over classes."),
    )  # fmt: skip

    class Params(Knobs):
        """Settings of DIST."""

        temperature: float = knob(
            4.0, "Softens the outputs of both.", above=0.0, high=1000.0, scale="log", source="4 on CIFAR-100, 1 on ImageNet"
        )
        inter: float = knob(
            2.0, "Weight of the relation between the classes of an image.", low=0.0, high=1000.0,
            title="weight between classes", source="2 β with β = 1",
        )  # fmt: skip
        intra: float = knob(
            2.0, "Weight of the relation between the images of a class; it sees more in larger batches.", low=0.0, high=1000.0,
            title="weight within classes", source="2 γ with γ = 1",
        )  # fmt: skip
        control: Control = soft_label_controls.control()

    params: Params

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """Both terms. Raises ValueError without a teacher."""
        if seen.teacher is None:
            raise ValueError("DIST needs someone's logits: choose a teacher net, or a method that teaches")
        temperature = self.temperature(seen)
        taught = soft_label_controls.controlled(seen.teacher.logits, seen.y, temperature, self.params.control)
        inter, intra = logits.dist(seen.student.logits, taught, temperature)
        return {"inter": inter, "intra": intra}
