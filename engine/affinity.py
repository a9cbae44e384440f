"""How alike two nets see the places of an image: spatial affinity, linear CKA, and the noise of features.

Shapes: maps F (B, C, H, W); teacher and student may differ in C, H and W; P = H · W places. Affinity losses are per image,
(B,), undivided, and differ in what they do with Δ = S^S - S^T (B, P, P), which is never made as a whole. They and their
gradients take memory for a few chunks beside the maps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

BYTES = 2**26
"""Most memory of an intermediate result."""
EPSILON = 1e-5
CHUNK = {"cpu": 2**16}
"""Numbers of a map (or of Δ) that are worked on at once: on a CPU as many as stay in its caches."""
LARGE = 2**23
"""The same on every other device."""


def affinity(f: Tensor) -> Tensor:
    """(B, HW, HW): cosines between the columns of a map, S_ij = ⟨f_i, f_j⟩ / ((‖f_i‖ + ε)(‖f_j‖ + ε)), ε = 1e-5."""
    unit = directions(f)
    return unit.transpose(1, 2) @ unit


def directions(f: Tensor) -> Tensor:
    """(B, C, HW): the columns of a map divided by their norm plus ε."""
    flat = f.flatten(2)
    return flat / (_lengths(flat) + EPSILON)


def _lengths(f: Tensor) -> Tensor:
    """(B, 1, P): norms of the columns, many times quicker than by `norm`; no gradient where a column is 0."""
    return f.square().sum(dim=1, keepdim=True).clamp_min(torch.finfo(f.dtype).tiny).sqrt()


def resized(f_t: Tensor, f_s: Tensor) -> Tensor:
    """The teacher's map at the student's sides, bilinearly with corners aligned, as FAQD's released code does."""
    if f_t.shape[-2:] == f_s.shape[-2:]:
        return f_t
    return functional.interpolate(f_t, size=f_s.shape[-2:], mode="bilinear", align_corners=True)


def squared(f_s: Tensor, f_t: Tensor) -> Tensor:
    """(B,): ‖Δ‖²_F of maps of one size, exactly, in O(C² · HW).

    From C x C products where these are cheaper than Δ. The relative error of value and gradient stays below 1e-5 while
    ‖Δ‖_F ≥ 1e-5 ‖S^T‖_F, reckoned from the same normalised maps.
    """
    by_places = _by_places_is_cheaper(f_s.shape[1], f_t.shape[1], f_s.shape[2] * f_s.shape[3])
    return _exactly(f_s, f_t, _squares_by_places if by_places else _squares_by_channels)


def absolute(f_s: Tensor, f_t: Tensor) -> Tensor:
    """(B,): Σ_ij |Δ_ij| of maps of one size, a few rows of Δ at a time: O(C · (HW)²)."""
    return _exactly(f_s, f_t, _absolutes_by_places)


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


Wanted = tuple[bool, bool]
"""Whether the gradients at the student's and at the teacher's map are asked for."""
Gradients = list[Tensor | None]
Exact = Callable[[Tensor, Tensor, Wanted], tuple[Tensor, Gradients]]
"""Of maps (B, C, P): the loss of each image (B,), and its gradients at both maps where wanted."""


def _exactly(f_s: Tensor, f_t: Tensor, way: Exact) -> Tensor:
    if f_s.shape[2:] != f_t.shape[2:] or len(f_s) != len(f_t):
        raise ValueError(f"maps of one size are compared, not {tuple(f_s.shape)} and {tuple(f_t.shape)}")
    found: Tensor = _Exact.apply(f_s.flatten(2), f_t.flatten(2), way)
    return found


class _Exact(torch.autograd.Function):
    """Takes the gradient along with the value, so that backward keeps no more than a map."""

    @staticmethod
    def forward(ctx: Any, f_s: Tensor, f_t: Tensor, way: Exact) -> Tensor:
        values, gradients = way(f_s, f_t, tuple(ctx.needs_input_grad[:2]))
        ctx.save_for_backward(*gradients)
        return values

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        own, other = (None if g is None else g * upstream[:, None, None] for g in ctx.saved_tensors)
        return own, other, None


def _by_places_is_cheaper(c_s: int, c_t: int, places: int) -> bool:
    """Multiplications a place, gradient included: of Δ against those of the split C x C products."""
    return places * (2 * c_s + c_t) < 3 * c_s**2 + 2 * c_t**2 + 4 * c_s * c_t


def _chunks(f_s: Tensor, f_t: Tensor, width: int) -> Iterator[tuple[slice, list[slice]]]:
    """Images, and places of theirs, such that (images, width, places) fits a chunk; several images only with all places."""
    images, places = len(f_s), f_s.shape[2]
    room = CHUNK.get(f_s.device.type, LARGE)
    across = min(places, max(1, room // width))
    step = max(1, room // (width * places))
    for i in range(0, images, step):
        yield slice(i, i + step), [slice(p, p + across) for p in range(0, places, across)]


def _squares_by_channels(f_s: Tensor, f_t: Tensor, wanted: Wanted) -> tuple[Tensor, Gradients]:
    """‖Δ‖² = ‖ssᵀ‖² + ‖ttᵀ‖² - 2‖stᵀ‖² of directions s, t (C, P), and 4(ssᵀs - stᵀt), without anything of P x P.

    The three large terms cancel, so the products are reckoned in two parts, one of which is exact in float64.
    """
    places = f_s.shape[2]
    bits = (53 - math.ceil(math.log2(places))) // 2
    values: list[Tensor] = []
    gradients: Gradients = [torch.empty_like(f) if asked else None for f, asked in zip((f_s, f_t), wanted)]
    for images, blocks in _chunks(f_s, f_t, max(f_s.shape[1], f_t.shape[1])):
        sums: list[Tensor] = []
        for block in blocks:
            s, t = (directions(f[images, :, block]).double() for f in (f_s, f_t))
            more = _products(s, t, bits)
            sums = [a.add_(b) for a, b in zip(sums, more)] if sums else more
        values.append(_cancelled(sums, places))
        own, other, across = (high + low for high, low in zip(sums[::2], sums[1::2]))
        for block in blocks if any(wanted) else ():
            a, b = f_s[images, :, block], f_t[images, :, block]
            s, t = directions(a).double(), directions(b).double()
            if gradients[0] is not None:
                gradients[0][images, :, block] = _through_norm(torch.baddbmm(own @ s, across, t, alpha=-1), a, s, 4)
            if gradients[1] is not None:
                pull = torch.baddbmm(other @ t, across.transpose(1, 2), s, alpha=-1)
                gradients[1][images, :, block] = _through_norm(pull, b, t, 4)
    return torch.cat(values).to(f_s.dtype), gradients


def _products(s: Tensor, t: Tensor, bits: int) -> list[Tensor]:
    """ssᵀ, ttᵀ and stᵀ of directions (n, C, p) in float64, each as two parts: one over the multiples of 2^-bits, whose sums
    are exact (2 · bits + log2 P ≤ 53), and the small rest."""
    coarse = 1.5 * 2.0 ** (52 - bits)  # a number so large that what is added to it is rounded to the grid
    high_s, high_t = ((u + coarse).sub_(coarse) for u in (s, t))
    low_s, low_t = s - high_s, t - high_t
    rests = [low @ (high + u).transpose(1, 2) for u, high, low in ((s, high_s, low_s), (t, high_t, low_t))]
    own, other = (rest.add(rest.transpose(1, 2)).div_(2) for rest in rests)
    across = low_s @ t.transpose(1, 2) + high_s @ low_t.transpose(1, 2)
    exact = [a @ b.transpose(1, 2) for a, b in ((high_s, high_s), (high_t, high_t), (high_s, high_t))]
    return [exact[0], own, exact[1], other, exact[2], across]


def _cancelled(products: list[Tensor], places: int) -> Tensor:
    """(n,): ‖ssᵀ‖² + ‖ttᵀ‖² - 2‖stᵀ‖², at least 0, of the parts of `_products`. What is large is rounded to a grid on which
    squares and their sums are exact, for no product is longer than P; what is left is small."""
    grid = 2.0 ** (math.ceil(math.log2(places)) - 25)
    total = torch.zeros(len(products[0]), dtype=torch.float64, device=products[0].device)
    rest = torch.zeros_like(total)
    for weight, high, low in zip((1, 1, -2), products[::2], products[1::2]):
        coarse = (high / grid).round()
        fine = (high / grid - coarse) + low / grid
        total += weight * coarse.square().sum(dim=(1, 2))
        rest += weight * (fine * (2 * coarse + fine)).sum(dim=(1, 2))
    return ((total + rest) * grid**2).clamp_min(0)


def _through_norm(gradient: Tensor, f: Tensor, unit: Tensor, factor: float) -> Tensor:
    """`factor` times the gradient at the columns of a map (n, C, p) from that at their directions `unit`."""
    length = _lengths(f).double()
    along = (unit * gradient).sum(dim=1, keepdim=True) * ((length + EPSILON) / length)
    return torch.addcmul(gradient, unit, along, value=-1).mul_(factor / (length + EPSILON))


def _squares_by_places(f_s: Tensor, f_t: Tensor, wanted: Wanted) -> tuple[Tensor, Gradients]:
    """ΣΔ², from rows of Δ in float64."""
    return _by_places(f_s, f_t, wanted, torch.float64, torch.square, lambda rows: 2 * rows)


def _absolutes_by_places(f_s: Tensor, f_t: Tensor, wanted: Wanted) -> tuple[Tensor, Gradients]:
    """Σ|Δ|, from rows of Δ."""
    return _by_places(f_s, f_t, wanted, f_s.dtype, torch.abs, torch.sign)


def _by_places(
    f_s: Tensor,
    f_t: Tensor,
    wanted: Wanted,
    dtype: torch.dtype,
    of: Callable[[Tensor], Tensor],
    slope: Callable[[Tensor], Tensor],
) -> tuple[Tensor, Gradients]:
    """Σ of(Δ_ij) and its gradients 2 s of'(Δ) and -2 t of'(Δ), from some rows of Δ at a time."""
    places = f_s.shape[2]
    values: list[Tensor] = []
    gradients: Gradients = [torch.empty_like(f) if asked else None for f, asked in zip((f_s, f_t), wanted)]
    for images, blocks in _chunks(f_s, f_t, places):
        maps = f_s[images], f_t[images]
        s, t = (directions(f).to(dtype) for f in maps)
        pulls = [torch.empty_like(u) if asked else None for u, asked in zip((s, t), wanted)]
        sums: list[Tensor] = []
        for rows in blocks:
            delta = s[:, :, rows].transpose(1, 2) @ s - t[:, :, rows].transpose(1, 2) @ t
            sums.append(of(delta).sum(dim=(1, 2)).double())
            if any(wanted):
                steep = slope(delta).transpose(1, 2)
                for u, pull in zip((s, t), pulls):
                    if pull is not None:
                        pull[:, :, rows] = u @ steep
        values.append(torch.stack(sums).sum(dim=0))
        for gradient, pull, f, u, factor in zip(gradients, pulls, maps, (s, t), (2, -2)):
            if gradient is not None and pull is not None:
                gradient[images] = _through_norm(pull, f, u, factor)
    return torch.cat(values).to(f_s.dtype), gradients


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
