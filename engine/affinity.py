"""How alike two nets see the places of an image: spatial affinity, linear CKA, and the noise of features.

Shapes: maps F (B, C, H, W); teacher and student may differ in C, H and W. Nothing larger than `BYTES` is made at once.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

BYTES = 2**26
"""Most memory of an intermediate result."""
EPSILON = 1e-5


def affinity(f: Tensor) -> Tensor:
    """(B, HW, HW): cosines between the columns of a map, S_ij = ⟨f_i, f_j⟩ / ((‖f_i‖ + ε)(‖f_j‖ + ε)), ε = 1e-5."""
    unit = directions(f)
    return unit.transpose(1, 2) @ unit


def directions(f: Tensor) -> Tensor:
    """(B, C, HW): the columns of a map divided by their norm plus ε."""
    flat = f.flatten(2)
    return flat / (flat.norm(dim=1, keepdim=True) + EPSILON)


def affinity_error(f_s: Tensor, f_t: Tensor) -> Tensor:
    """Root mean square difference of the affinities of student and teacher maps: a scalar in [0, 2], 0 when they agree.

    The teacher's map is brought to the student's sides bilinearly with corners aligned, as FAQD's released code does. By
    ‖S - T‖² = ‖S‖² + ‖T‖² - 2⟨S, T⟩ each part is the square of a C x C product, so HW x HW is formed only where it is
    the smaller one.
    """
    if f_t.shape[-2:] != f_s.shape[-2:]:
        f_t = functional.interpolate(f_t, size=f_s.shape[-2:], mode="bilinear", align_corners=True)
    places = f_s.shape[-2] * f_s.shape[-1]
    channels = max(f_s.shape[1], f_t.shape[1])
    step = max(1, BYTES // (8 * max(min(channels, places) ** 2, channels * places)))
    squares = [
        _squared_difference(directions(a.double()), directions(b.double())) for a, b in zip(f_s.split(step), f_t.split(step))
    ]
    return (torch.cat(squares).mean() / places**2).clamp_min(0).sqrt()


def _squared_difference(s: Tensor, t: Tensor) -> Tensor:
    """(B,): ‖sᵀs - tᵀt‖² of directions (B, C, HW)."""
    if s.shape[2] <= max(s.shape[1], t.shape[1]):
        return (s.transpose(1, 2) @ s - t.transpose(1, 2) @ t).square().sum(dim=(1, 2))
    pairs = ((s, s, 1.0), (t, t, 1.0), (s, t, -2.0))
    return torch.stack([w * (a @ b.transpose(1, 2)).square().sum(dim=(1, 2)) for a, b, w in pairs]).sum(dim=0)


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
