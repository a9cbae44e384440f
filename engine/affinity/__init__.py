"""How alike two nets see the places of an image: spatial affinity, linear CKA, and the noise of features.

Shapes: maps F (B, C, H, W); teacher and student may differ in C, H and W; P = H · W places. Affinity losses are per image,
(B,), undivided, and differ in what they do with Δ = S^S - S^T (B, P, P), which is never made as a whole. The exact ones and
their gradients take memory for a few chunks beside the maps (`engine/affinity/sums.py`).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from engine.affinity import sums as affinity_sums
from engine.affinity.sums import directions

__all__ = [
    "absolute", "absolute_estimate", "affinity", "affinity_error", "cost_of_estimate", "directions", "linear_cka", "pooled",
    "resized", "row_norms", "signal_to_noise", "squared", "squared_estimate",
]  # fmt: skip

BYTES = 2**26
"""Most memory of an intermediate result."""


def affinity(f: Tensor) -> Tensor:
    """(B, HW, HW): cosines between the columns of a map, S_ij = ⟨f_i, f_j⟩ / ((‖f_i‖ + ε)(‖f_j‖ + ε)), ε = 1e-5."""
    unit = directions(f)
    return unit.transpose(1, 2) @ unit


def resized(f_t: Tensor, f_s: Tensor) -> Tensor:
    """The teacher's map at the student's sides, bilinearly with corners aligned, as FAQD's released code does."""
    if f_t.shape[-2:] == f_s.shape[-2:]:
        return f_t
    return functional.interpolate(f_t, size=f_s.shape[-2:], mode="bilinear", align_corners=True)


def squared(f_s: Tensor, f_t: Tensor) -> Tensor:
    """(B,): ‖Δ‖²_F of maps of one size, exactly, in O(C² · HW).

    From C x C products where these are cheaper than Δ. The relative error of value and gradient stays below 1e-5 while
    ‖Δ‖_F ≥ 1e-5 ‖S^T‖_F, reckoned from the same normalized maps.
    """
    by_places = affinity_sums.by_places_is_cheaper(f_s.shape[1], f_t.shape[1], f_s.shape[2] * f_s.shape[3])
    way = affinity_sums.squares_by_places if by_places else affinity_sums.squares_by_channels
    return affinity_sums.exactly(f_s, f_t, way)


def absolute(f_s: Tensor, f_t: Tensor) -> Tensor:
    """(B,): Σ_ij |Δ_ij| of maps of one size, a few rows of Δ at a time: O(C · (HW)²)."""
    return affinity_sums.exactly(f_s, f_t, affinity_sums.absolutes_by_places)


def squared_estimate(f_s: Tensor, f_t: Tensor, z: Tensor) -> Tensor:
    """(B,): (1/k) Σ_l ‖Δ z_l‖² for projections z (HW, k), in O(k · C · HW). Over z ~ N(0, 1) its mean is `squared`, its
    variance (2/k) tr Δ⁴."""
    return _projected(f_s, f_t, z).square().sum(dim=1).mean(dim=1)


def absolute_estimate(f_s: Tensor, f_t: Tensor, z: Tensor) -> Tensor:
    """(B,): (1/k) Σ_l Σ_i |(Δ z_l)_i|, FAQD's released form. Its mean is √(2/π) times the sum of `row_norms`, no estimate of
    `absolute`."""
    return _projected(f_s, f_t, z).abs().sum(dim=1).mean(dim=1)


def cost_of_estimate(c_s: int, c_t: int, projections: int) -> float:
    """Multiplications of a squared estimate over those of the exact loss by C x C products: 4k / 3C for equal channels."""
    return 2 * projections * (c_s + c_t) / (c_s**2 + c_t**2 + c_s * c_t)


def _projected(f_s: Tensor, f_t: Tensor, z: Tensor) -> Tensor:
    """(B, HW, k): Δ z."""
    s, t = directions(f_s), directions(f_t)
    return s.transpose(1, 2) @ (s @ z) - t.transpose(1, 2) @ (t @ z)


@torch.no_grad()
def row_norms(f_s: Tensor, f_t: Tensor) -> Tensor:
    """(B, HW) float64: ‖Δ_i‖ of every row, without gradient."""
    found = []
    step = max(1, BYTES // (32 * max(f_s[0].numel(), f_t[0].numel())))
    for a, b in zip(f_s.split(step), f_t.split(step)):
        s, t = directions(a).double(), directions(b).double()
        own, other, across = (x @ y.transpose(1, 2) for x, y in ((s, s), (t, t), (s, t)))
        squares = (s * (own @ s)).sum(1) - 2 * (s * (across @ t)).sum(1) + (t * (other @ t)).sum(1)
        found.append(squares.clamp_min(0).sqrt())
    return torch.cat(found)


def affinity_error(f_s: Tensor, f_t: Tensor) -> Tensor:
    """Root mean square difference of the affinities of student and teacher maps: a scalar in [0, 2], 0 when they agree. The
    teacher's map is `resized`."""
    f_t = resized(f_t, f_s)
    places = f_s.shape[-2] * f_s.shape[-1]
    step = max(1, BYTES // (8 * max(f_s.shape[1], f_t.shape[1]) * places))
    squares = [squared(a.double(), b.double()) for a, b in zip(f_s.split(step), f_t.split(step))]
    return (torch.cat(squares).mean() / places**2).sqrt()


def linear_cka(x: Tensor, y: Tensor) -> Tensor:
    """Linear centred kernel alignment (Kornblith et al. 2019) of features x (N, d), y (N, e): in [0, 1], 1 when one is a
    rotated and scaled copy of the other. 0 where either is constant. By N x N products where d or e exceeds N."""
    x, y = ((v - v.mean(dim=0)).double() for v in (x.flatten(1), y.flatten(1)))
    if max(x.shape[1], y.shape[1]) > len(x):
        k, m = x @ x.T, y @ y.T
        together, own, other = (k * m).sum(), k.norm(), m.norm()
    else:
        together, own, other = (x.T @ y).square().sum(), (x.T @ x).norm(), (y.T @ y).norm()
    return together / (own * other).clamp_min(torch.finfo(torch.float64).tiny)


def pooled(f: Tensor, side: int) -> Tensor:
    """(B, C · s · s): a map averaged to at most `side` places a side, flattened; features (B, d) as they are."""
    if f.ndim == 2:
        return f
    return functional.adaptive_avg_pool2d(f, (min(side, f.shape[-2]), min(side, f.shape[-1]))).flatten(1)


def signal_to_noise(views: Tensor) -> float:
    """10 log10 of the variance of the images' mean features over their mean variance across views, in dB.

    `views` (V, N, d): features of V augmentations of N images. Infinite where augmentation changes nothing.
    """
    views = views.double()
    signal = views.mean(dim=0).var(dim=0, correction=0).sum()
    noise = views.var(dim=0, correction=0).mean(dim=0).sum()
    return (10 * torch.log10(signal / noise)).item()
