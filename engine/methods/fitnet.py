"""FitNet: a trained regressor predicts the teacher's hint, a map half-way through, from the student's."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional

from engine.adapters import adapter, matched
from engine.knobs import knob
from engine.method import Facts, Features, Knobs, Method, Needs, Seen, Side, Term


def hint(f_s: Tensor, f_t: Tensor) -> Tensor:
    """The mean squared error between two maps (B, C, H, W), the larger one averaged to the size of the other. A scalar."""
    return functional.mse_loss(*matched(f_s, f_t))


class FitNet(Method):
    """L = CE + w · mean (R(F^S) - F^T)², the regressor R trained with the student in one stage."""

    title = "FitNet"
    summary = "A regressor that is only for training predicts one of the teacher's maps from the student's."
    formula = "L = CE(y, z^S) + w mean (R(F^S) − F^T)^2,   R: regressor (convolution, BN, ReLU)"
    paper = "Romero et al.: FitNets: Hints for Thin Deep Nets, ICLR 2015, arXiv 1412.6550"
    needs = Needs(teacher="net")
    features = (Features(stages="stage", adapter="regressor"),)
    terms = (
        Term(
            "hint", weight="weight", scale="log",
            help="Mean squared error between the regressor's map and the teacher's.",
        ),
    )  # fmt: skip

    class Params(Knobs):
        """Settings of FitNet."""

        stage: Literal["auto"] | int = knob(
            "auto", "The student's stage that learns the hint, counted from 1; auto: the second of both nets.",
            low=1, high=64, source="feature index 2 (RepDistiller, mdistiller)",
        )  # fmt: skip
        weight: float = knob(
            100.0, "Weight of the hint.", low=0.0, high=1e6, scale="log", source="100 (RepDistiller, mdistiller)"
        )

    params: Params

    def build(self, student: Side, teacher: Side | None, facts: Facts) -> None:
        """The regressor."""
        (self.match,) = self.matches(student, teacher)
        self.regressor = adapter(self.match)

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """The one term. Raises ValueError without a teacher net."""
        if seen.teacher is None:
            raise ValueError("FitNet looks into a teacher net: choose one")
        predicted = self.regressor(seen.student.taps[self.match.student])
        return {"hint": hint(predicted, seen.teacher.taps[self.match.teacher])}
