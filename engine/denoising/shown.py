"""DiffKD's denoising made visible: the student's latent at every evaluation of the noise predictor, beside the teacher's, and
how much of it is kept where noise is blended in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.cards import Axis
from engine.denoising import diffusion

BINS = 50
"""Bars of the distribution of γ."""
IMAGES = 8
"""Images of a sample that are shown."""
ROUNDS = 20
"""Of power iteration: far more than a picture needs, and far less work than all directions would be."""
OUTER = 0.02
"""Share of the values at each end that are cut off, so that a few do not darken all others."""


def names(along: Sequence[int]) -> tuple[str, ...]:
    """What the rows are called, for a denoising along these times."""
    return ("student", *(f"time {t}" for t in along), "teacher")


def distances(student: Tensor, way: Sequence[Tensor], teacher: Tensor) -> Tensor:
    """(1 + steps,): mean squared distance of the student's latent, and of it at every step, from the teacher's, each
    (B, c, H, W), as a share of the variance of the teacher's over images and places: 1 is as near as its mean."""
    teacher = teacher.float()
    spread = (teacher - teacher.mean((0, 2, 3), keepdim=True)).square().mean().clamp_min(torch.finfo(teacher.dtype).tiny)
    return torch.stack([(z.float() - teacher).square().mean() / spread for z in (student, *way)])


def pictures(student: Tensor, way: Sequence[Tensor], teacher: Tensor) -> Tensor:
    """(2 + steps, n, H, W, 1) uint8: the first images of each latent (B, c, H, W) along the direction in which the teacher's
    vary most over all images and places, all on one scale, that of the teacher."""
    mean, direction = _main_direction(teacher.float().movedim(1, -1).flatten(0, -2))
    each = torch.stack([
        torch.einsum("bchw,c->bhw", z[:IMAGES].float() - mean[:, None, None], direction) for z in (student, *way, teacher)
    ])  # fmt: skip
    low, high = torch.quantile(each[-1].flatten(), torch.tensor([OUTER, 1.0 - OUTER], device=each.device))
    shown = 255.0 * (each - low) / (high - low).clamp_min(torch.finfo(each.dtype).tiny)
    return shown.clamp(0, 255).round().to(torch.uint8)[..., None]


def of_gamma(name: str, gamma: Tensor) -> dict[str, Tensor]:
    """Shares (BINS,) of the images by their γ (B,), which is in (0, 1), with its mean and standard deviation."""
    shares = torch.histc(gamma.float(), BINS, 0.0, 1.0) / len(gamma)
    return {name: shares, f"{name}_mean": gamma.mean(), f"{name}_spread": gamma.std(correction=0)}


def gamma_axis(start: int) -> Axis:
    """γ from 0 to 1, with the γ that a denoising that starts at this time would want."""
    edges = tuple(i / BINS for i in range(BINS + 1))
    return Axis(edges, {f"as noisy as time {start}": diffusion.matched_gamma(start)})


def _main_direction(x: Tensor) -> tuple[Tensor, Tensor]:
    """The mean (d,) and the direction of most variance (d,) of samples (N, d), by power iteration from the outermost one."""
    mean = x.mean(0)
    x = x - mean
    direction = x[x.square().sum(1).argmax()]
    for _ in range(ROUNDS):
        direction = x.T @ (x @ direction)
        direction = direction / direction.norm().clamp_min(torch.finfo(x.dtype).tiny)
    return mean, direction
