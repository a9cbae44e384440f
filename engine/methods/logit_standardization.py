"""Logit standardization: student and teacher need not agree on mean and spread of their logits, only on what is left."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from engine import logits
from engine.method import Method, Needs, Seen, View


class LogitStandardization(Method):
    """Z(z) = (z - mean) / std of each image's logits, for both nets, in place of the logits that the stack's methods see."""

    title = "Logit standardization"
    summary = "Takes mean and spread out of both nets' logits before the methods of the stack compare them; no loss of its own."
    formula = "z ← (z − mean_c z) / (std_c z + 10^{−7}),   for z^S and for z^T"
    paper = "Sun, Ren, Li, Wang, Cao: Logit Standardization in Knowledge Distillation, CVPR 2024, arXiv 2403.01427"
    needs = Needs(teacher="logits")
    modifies = True

    def modify(self, seen: Seen) -> Seen:
        """Both nets' logits standardized; the student's keep their gradient."""
        teacher = None if seen.teacher is None else _standardized(seen.teacher)
        return replace(seen, student=_standardized(seen.student), teacher=teacher)

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """None of its own."""
        return {}


def _standardized(view: View) -> View:
    return replace(view, logits=logits.standardized(view.logits))
