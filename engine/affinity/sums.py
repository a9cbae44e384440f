"""Sums over every two places of how differently two nets see them as alike, exactly, with their gradients, in bounded memory.

Shapes: maps F (B, C, P) of P places; Δ = S^S - S^T (B, P, P) is the difference of their affinities. Float32 maps, or float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

EPSILON = 1e-5
CHUNK = {"cpu": 2**16}
"""Numbers of a map (or of Δ) that are worked on at once: on a CPU as many as stay in its caches."""
LARGE = 2**23
"""The same on every other device."""
NEAR = 1e-6
"""‖Δ‖² / ‖S^T‖² below which products in plain float64 lose digits that count: above it they keep nine."""


def directions(f: Tensor) -> Tensor:
    """(B, C, HW): the columns of a map divided by their norm plus ε."""
    flat = f.flatten(2)
    return flat / (_lengths(flat) + EPSILON)


def _lengths(f: Tensor) -> Tensor:
    """(B, 1, P): norms of the columns, many times quicker than by `norm`; no gradient where a column is 0."""
    return f.square().sum(dim=1, keepdim=True).clamp_min(torch.finfo(f.dtype).tiny).sqrt()


Wanted = tuple[bool, bool]
"""Whether the gradients at the student's and at the teacher's map are asked for."""
Gradients = list[Tensor | None]
Exact = Callable[[Tensor, Tensor, Wanted], tuple[Tensor, Gradients]]
"""Of maps (B, C, P): the loss of each image (B,), and its gradients at both maps where wanted."""


def exactly(f_s: Tensor, f_t: Tensor, way: Exact) -> Tensor:
    """(B,): a sum over Δ of maps (B, C, H, W) of one size, differentiable in both. Raises ValueError for two sizes."""
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


def by_places_is_cheaper(c_s: int, c_t: int, places: int) -> bool:
    """Multiplications a place, the student's gradient included: of Δ against those of C x C products."""
    return places * (2 * c_s + c_t) < 2 * c_s**2 + c_t**2 + 2 * c_s * c_t


def _chunks(f_s: Tensor, f_t: Tensor, width: int) -> Iterator[tuple[slice, list[slice]]]:
    """Images, and places of theirs, such that (images, width, places) fits a chunk; several images only with all places."""
    images, places = len(f_s), f_s.shape[2]
    room = CHUNK.get(f_s.device.type, LARGE)
    across = min(places, max(1, room // width))
    step = max(1, room // (width * places))
    for i in range(0, images, step):
        yield slice(i, i + step), [slice(p, p + across) for p in range(0, places, across)]


def squares_by_channels(f_s: Tensor, f_t: Tensor, wanted: Wanted) -> tuple[Tensor, Gradients]:
    """‖Δ‖² = ‖ssᵀ‖² + ‖ttᵀ‖² - 2‖stᵀ‖² of directions s, t (C, P), and 4(ssᵀs - stᵀt), without anything of P x P.

    The three large terms cancel, so where Δ is small the products are reckoned in two parts, one of which is exact. A CPU
    looks whether it is; any other device would have to be waited for, and always does.
    """
    places = f_s.shape[2]
    split = partial(_split_products, bits=(53 - math.ceil(math.log2(places))) // 2)
    values: list[Tensor] = []
    gradients: Gradients = [torch.empty_like(f) if asked else None for f, asked in zip((f_s, f_t), wanted)]
    for images, blocks in _chunks(f_s, f_t, max(f_s.shape[1], f_t.shape[1])):
        parts = [(f_s[images, :, block], f_t[images, :, block]) for block in blocks]
        looks = f_s.device.type == "cpu"
        sums = _summed(parts, _products if looks else split)
        value = _cancelled(sums, places)
        if looks and bool((value < NEAR * sums[2].square().sum(dim=(1, 2))).any()):
            sums = _summed(parts, split)
            value = _cancelled(sums, places)
        values.append(value)
        own, other, across = (high + low for high, low in zip(sums[::2], sums[1::2]))
        for (a, b), block in zip(parts, blocks if any(wanted) else ()):
            s, t = directions(a).double(), directions(b).double()
            if gradients[0] is not None:
                gradients[0][images, :, block] = _through_norm(torch.baddbmm(own @ s, across, t, alpha=-1), a, s, 4)
            if gradients[1] is not None:
                pull = torch.baddbmm(other @ t, across.transpose(1, 2), s, alpha=-1)
                gradients[1][images, :, block] = _through_norm(pull, b, t, 4)
    return torch.cat(values).to(f_s.dtype), gradients


def _summed(parts: list[tuple[Tensor, Tensor]], products: Callable[[Tensor, Tensor], list[Tensor]]) -> list[Tensor]:
    """The products of directions (n, C, p), summed over the parts of their places."""
    sums: list[Tensor] = []
    for a, b in parts:
        more = products(directions(a).double(), directions(b).double())
        sums = [x.add_(y) for x, y in zip(sums, more)] if sums else more
    return sums


def _products(s: Tensor, t: Tensor) -> list[Tensor]:
    """ssᵀ, ttᵀ and stᵀ, each followed by 0 for the rest that `_split_products` has."""
    none = torch.zeros((), dtype=s.dtype, device=s.device)
    found = (a @ b.transpose(1, 2) for a, b in ((s, s), (t, t), (s, t)))
    return [part for product in found for part in (product, none.clone())]


def _split_products(s: Tensor, t: Tensor, bits: int) -> list[Tensor]:
    """ssᵀ, ttᵀ and stᵀ, each as two parts: one over the multiples of 2^-bits, whose sums are exact in float64
    (2 · bits + log2 P ≤ 53), and the small rest."""
    coarse = 1.5 * 2.0 ** (52 - bits)  # so large that what is added to it is rounded to the multiples
    high_s, high_t = ((u + coarse).sub_(coarse) for u in (s, t))
    low_s, low_t = s - high_s, t - high_t
    rests = [low @ (high + u).transpose(1, 2) for u, high, low in ((s, high_s, low_s), (t, high_t, low_t))]
    own, other = (rest.add(rest.transpose(1, 2)).div_(2) for rest in rests)
    across = low_s @ t.transpose(1, 2) + high_s @ low_t.transpose(1, 2)
    exact = [a @ b.transpose(1, 2) for a, b in ((high_s, high_s), (high_t, high_t), (high_s, high_t))]
    return [exact[0], own, exact[1], other, exact[2], across]


def _cancelled(products: list[Tensor], places: int) -> Tensor:
    """(n,): ‖ssᵀ‖² + ‖ttᵀ‖² - 2‖stᵀ‖², at least 0, of products in two parts. What is large is rounded to a grid on which
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


def squares_by_places(f_s: Tensor, f_t: Tensor, wanted: Wanted) -> tuple[Tensor, Gradients]:
    """ΣΔ², from rows of Δ in float64."""
    return _by_places(f_s, f_t, wanted, torch.float64, torch.square, lambda rows: 2 * rows)


def absolutes_by_places(f_s: Tensor, f_t: Tensor, wanted: Wanted) -> tuple[Tensor, Gradients]:
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
