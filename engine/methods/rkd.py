"""Relational distillation: the distances and angles between the images of a batch, as the teacher sees them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from engine.knobs import knob
from engine.method import Features, Knobs, Method, Needs, Seen, Term

NEAREST = 1e-6
"""Least distance between two images; nearer ones have no direction."""


def distance_loss(f_s: Tensor, f_t: Tensor) -> Tensor:
    """Smooth L1 (β = 1, mean over B²) between the distances ‖f_i - f_j‖ of student (B, d) and teacher (B, e), each divided by
    the mean of its positive ones. A scalar."""
    return functional.smooth_l1_loss(_distances(f_s), _distances(f_t))


def angle_loss(f_s: Tensor, f_t: Tensor) -> Tensor:
    """Smooth L1 (β = 1, mean over B³) between the cosines ⟨e_ij, e_ik⟩ of the directions e_ij from image i to image j, of
    student (B, d) and teacher (B, e). A scalar. Memory grows with B³."""
    return functional.smooth_l1_loss(_angles(f_s), _angles(f_t))


def _distances(f: Tensor) -> Tensor:
    """(B, B): distances over the mean of the positive ones; 0 on the diagonal."""
    away = 1.0 - torch.eye(len(f), dtype=f.dtype, device=f.device)
    distances = _lengths(f).clamp_min(NEAREST) * away
    return distances / (distances.sum() / (distances > 0).sum().clamp_min(1))


def _angles(f: Tensor) -> Tensor:
    """(B, B, B): cosines; 0 where two of the three images coincide, and no gradient there (it would be without bounds)."""
    lengths = _lengths(f)[..., None]
    directions = torch.where(lengths > NEAREST, (f[None] - f[:, None]) / lengths.clamp_min(NEAREST), 0.0)
    return directions @ directions.transpose(1, 2)


def _lengths(f: Tensor) -> Tensor:
    """(B, B): ‖f_j - f_i‖, by differences: products would lose the nearest ones to rounding."""
    return torch.cdist(f, f, compute_mode="donot_use_mm_for_euclid_dist")


class RKD(Method):
    """L = CE + 25 L_distance + 50 L_angle on the penultimate features."""

    title = "RKD"
    summary = "Images that are near each other for the teacher become so for the student; widths need not agree."
    formula = (
        "L = CE(y, z^S) + w_D mean_{ij} ℓ(d_{ij}^S, d_{ij}^T) + w_A mean_{ijk} ℓ(cos ∠_{ijk}^S, cos ∠_{ijk}^T)\n"
        "d_{ij} = ‖f_i − f_j‖ / mean ‖f_i − f_j‖,   ∠_{ijk} the angle at image i between j and k,   ℓ smooth L1"
    )
    paper = "Park, Kim, Lu, Cho: Relational Knowledge Distillation, CVPR 2019, arXiv 1904.05068"
    needs = Needs(teacher="net")
    features = (Features(stages="pooled"),)
    terms = (
        Term(
            "distance", weight="distance", scale="log",
            help="Smooth L1 between the distances of any two images, relative to the batch's mean distance.",
        ),
        Term("angle", weight="angle", scale="log", help="Smooth L1 between the cosines of the angles of any three images."),
    )  # fmt: skip

    class Params(Knobs):
        """Settings of RKD."""

        distance: float = knob(
            25.0, "Weight of the distances.", low=0.0, high=1e6, title="weight of distances",
            source="25 (RepDistiller, mdistiller)",
        )  # fmt: skip
        angle: float = knob(
            50.0, "Weight of the angles, whose memory grows with the third power of the batch size.", low=0.0, high=1e6,
            title="weight of angles", source="50 (RepDistiller, mdistiller)",
        )  # fmt: skip

    params: Params

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """Both terms. Raises ValueError without a teacher net."""
        if seen.teacher is None:
            raise ValueError("RKD looks into a teacher net: choose one")
        own, other = seen.student.taps["pooled"], seen.teacher.taps["pooled"]
        return {"distance": distance_loss(own, other), "angle": angle_loss(own, other)}
