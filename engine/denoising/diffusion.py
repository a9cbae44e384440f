"""Diffusion as DiffKD uses it: a schedule of noise, and deterministic denoising (DDIM, η = 0) along a grid of times.

Any shape: z is a batch of features or logits, `signal` a share ᾱ_t in (0, 1] of what z_t keeps of z_0. Times count from 0,
the least noise, to `STEPS` - 1. Sources: Ho et al. 2020 (schedule), Song et al. 2021 (DDIM), Huang et al. 2023 (grids).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Literal

import torch
from torch import Tensor

Grid = Literal["code", "paper"]

STEPS = 1000
"""Times of the schedule."""
BETAS = (1e-4, 0.02)
"""Noise added at the first and at the last time; linear between."""
UPPER = STEPS // 2
"""Denoising starts in the lower half of the schedule."""


@cache
def signals() -> tuple[float, ...]:
    """ᾱ_t = Π_{s ≤ t} (1 - β_s) for every time t: .9999 at 0, .1936 at 400, 4e-5 at the end."""
    betas = torch.linspace(*BETAS, STEPS, dtype=torch.float64)
    return tuple(torch.cumprod(1.0 - betas, dim=0).tolist())


def first_time(evaluations: int, grid: Grid) -> int:
    """Where N evaluations start by default. `code`: ⌊1000 / 2N⌋ (N - 1), 400 for N = 5 and 0 for N = 1, so that N moves the
    start; `paper`: 500."""
    return STEPS // (2 * evaluations) * (evaluations - 1) if grid == "code" else UPPER


def times(evaluations: int, grid: Grid, start: int | None = None) -> tuple[int, ...]:
    """The times at which the noise is predicted, falling evenly from `start` (None: `first_time`).

    `code` evaluates down to time 0 (400, 300, 200, 100, 0), `paper` stops one step before it (500, 400, 300, 200, 100); both
    go from the last of them to z_0 without noise. One evaluation goes there straight from the start.
    """
    begin = first_time(evaluations, grid) if start is None else start
    gaps = max(evaluations - 1, 1) if grid == "code" else evaluations
    return tuple(round(begin * (gaps - k) / gaps) for k in range(evaluations))


def noised(z: Tensor, noise: Tensor, signal: Tensor | float) -> Tensor:
    """z_t = √ᾱ z + √(1 - ᾱ) ε. `signal` is a number, or one of them an image that broadcasts against z."""
    share = torch.as_tensor(signal, dtype=z.dtype, device=z.device)
    return share.sqrt() * z + (1.0 - share).sqrt() * noise


def denoised(z: Tensor, predict: Callable[[Tensor, int], Tensor], along: Sequence[int]) -> Tensor:
    """z_0 from z at the time `along[0]`, by DDIM without noise of its own (η = 0) and without clipping.

    `predict(z, t)` is the noise in z at time t. At each time z_0 is estimated as (z - √(1 - ᾱ_t) ε) / √ᾱ_t and noised again to
    the next time; after the last one the estimate itself is the answer. Differentiable through every evaluation.
    """
    for clean in estimates(z, predict, along):
        z = clean
    return z


def estimates(z: Tensor, predict: Callable[[Tensor, int], Tensor], along: Sequence[int]) -> Iterator[Tensor]:
    """What z_0 is taken for at each of the times on the way of `denoised`; the last estimate is its answer."""
    share = signals()
    kept = [share[t] for t in along] + [1.0]
    for t, now, then in zip(along, kept, kept[1:]):
        noise = predict(z, t)
        clean = (z - math.sqrt(1.0 - now) * noise) / math.sqrt(now)
        z = math.sqrt(then) * clean + math.sqrt(1.0 - then) * noise
        yield clean


def blended(z: Tensor, noise: Tensor, gamma: Tensor) -> Tensor:
    """γ z + (1 - γ) ε with one γ (B,) an image: DiffKD's noise matching, linear and not by square roots."""
    gamma = gamma.reshape(-1, *(1,) * (z.ndim - 1))
    return gamma * z + (1.0 - gamma) * noise


def matched_gamma(time: int) -> float:
    """The γ at which a blend has the ratio of signal to noise of the schedule at a time: √ᾱ / (√ᾱ + √(1 - ᾱ)), .33 at 400."""
    signal, noise = math.sqrt(signals()[time]), math.sqrt(1.0 - signals()[time])
    return signal / (signal + noise)
