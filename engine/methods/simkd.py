"""SimKD: the student keeps its teacher's classifier, and learns to make the features which that classifier reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.adapters import matched
from engine.knobs import knob
from engine.method import Classifier, Facts, Features, Knobs, Match, Method, Needs, Part, Places, Seen, Side, Term
from engine.modes import evaluating
from engine.nets.parts import kind
from engine.pairing import PENULTIMATE, PairError, by
from engine.taps import Look

PROJECTOR, CLASSIFIER = "simkd_projector", "simkd_classifier"
TRIED = 2
"""Images on which is tried whether a net classifies the average of its map."""


@kind("simkd.projector")
class Projector(nn.Module):
    """Three convolutions without bias, each followed by BN and ReLU: 1 x 1 to half of the teacher's channels, 3 x 3, 1 x 1 to
    all of them. A map larger than `size` (H, W) is averaged to it before."""

    def __init__(self, width: int, wide: int, size: Sequence[int]) -> None:
        super().__init__()
        self.size = (int(size[0]), int(size[1]))
        half = wide // 2
        self.layers = nn.Sequential(*_block(width, half, 1), *_block(half, half, 3), *_block(half, wide, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_s, H_s, W_s) to (B, C_t, H, W)."""
        small = x if tuple(x.shape[2:]) == self.size else functional.adaptive_avg_pool2d(x, self.size)
        return self.layers(small)  # type: ignore[no-any-return]


def _block(wide_in: int, wide: int, kernel: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(wide_in, wide, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(wide), nn.ReLU()


@kind("simkd.classifier")
class TeachersClassifier(nn.Linear):
    """The teacher's last layer, frozen while the student learns."""

    def __init__(self, width: int, classes: int, bias: bool) -> None:
        super().__init__(width, classes, bias)


class SimKD(Method):
    """L = mean (P(F^S) - F^T)²: the maps before the average, P a projector that stays in the student with the teacher's
    classifier behind it."""

    title = "SimKD"
    summary = "The student ends with its teacher's own classifier and learns nothing but the map it reads; labels are not used."
    formula = (
        "L = w mean (P(F^S) − F^T)^2\n"
        "z^S = W^T avg P(F^S) + b^T,   W^T and b^T: the teacher's own classifier,   P: projector that stays"
    )
    paper = "Chen et al.: Knowledge Distillation with the Reused Teacher Classifier, CVPR 2022, arXiv 2203.14001"
    ce_weight = 0.0
    needs = Needs(teacher="net", classifier=True)
    features = (Features(stages="map", adapter="simkd", averaged=True, part="simkd.projector"),)
    classifier = Classifier("simkd.classifier")
    terms = (
        Term("map", weight="weight", scale="log", help="Mean squared error between the projected map and the teacher's."),
    )  # fmt: skip

    class Params(Knobs):
        """Settings of SimKD."""

        weight: float = knob(1.0, "Weight of the map.", low=0.0, high=1e6, scale="log", source="1 (official code)")

    params: Params

    def parts(self, student: Side, teacher: Side | None, facts: Facts) -> tuple[Part, ...]:
        """The projector behind the student's last map, and a classifier as the teacher's. Raises PairError for nets that do
        not classify the average of that map."""
        if teacher is None:
            raise ValueError("SimKD takes its teacher's classifier: choose a teacher net")
        (match,) = self.matches(student, teacher)
        for who, side, tap in (("student", student, match.student), ("teacher", teacher, match.teacher)):
            _check_averaged(who, side, tap, facts)
        width = match.teacher_shape[0]
        size = _size(match)
        head = teacher.head
        return (
            Part(PROJECTOR, match.student, "simkd.projector",
                 {"width": match.student_shape[0], "wide": width, "size": list(size)}),
            Part(CLASSIFIER, "head", "simkd.classifier",
                 {"width": width, "classes": facts.classes, "bias": head.bias is not None}),
        )  # fmt: skip

    def build(self, student: Side, teacher: Side | None, facts: Facts) -> None:
        """The teacher's weights into the student's classifier, which then stays as it is."""
        assert teacher is not None
        (self.match,) = self.matches(student, teacher)
        module = cast(nn.Linear, student.module_at(f"{CLASSIFIER}.out"))
        module.load_state_dict(teacher.head.state_dict())
        module.requires_grad_(False)

    def taps(self, student: Side, teacher: Side | None) -> tuple[Places, Places]:
        """The projected map and the teacher's."""
        return {"map": f"{PROJECTOR}.out"}, {"map": self.match.teacher}

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """The one term. Raises ValueError without a teacher net."""
        if seen.teacher is None:
            raise ValueError("SimKD looks into a teacher net: choose one")
        return {"map": functional.mse_loss(*matched(seen.student.taps["map"], seen.teacher.taps["map"]))}


def _size(match: Match) -> tuple[int, int]:
    """(H, W) at which the projector works: that of the smaller map."""
    height, width = match.size
    return height, width


@torch.no_grad()
def _check_averaged(who: str, side: Side, tap: str, facts: Facts) -> None:
    """Raises PairError where the classifier of a net does not read the average of the map behind a tap (and its parts): some
    nets normalize in between, which shapes do not tell."""
    net = side.net
    chance = torch.Generator().manual_seed(0)
    x = torch.rand(TRIED, *facts.shape, generator=chance).to(next(net.parameters()).device)
    left: list[Tensor] = []
    handle = side.module_at(tap).register_forward_hook(lambda module, args, output: left.append(output))
    look = Look(net, {"pooled": PENULTIMATE})  # type: ignore[arg-type]
    try:
        with evaluating(net):
            pooled = look(x)
    finally:
        handle.remove()
        look.remove()
    if not torch.allclose(left[-1].mean((2, 3)), pooled.taps["pooled"], rtol=1e-3, atol=1e-5):
        shapes = f"{tap} {by(side.shapes[tap])}, and its classifier reads {by(side.shapes[PENULTIMATE])}"
        raise PairError(f"the {who} does not classify the plain average of its last map ({shapes}): it changes it in between")
