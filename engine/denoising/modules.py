"""The modules of DiffKD (Huang et al. 2023): what compresses the teacher's map, and what denoises the student's towards it.

Shapes: maps (B, C, H, W); logits as maps of one place, (B, C, 1, 1). Width c is that of the latent in which both nets meet.
Nothing is initialized specially, as in the published code. How large they are: `engine.denoising.sizes`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine import linear_maps
from engine.denoising import diffusion
from engine.denoising.sizes import EMBEDDED, NARROWER


class Bottleneck(nn.Module):
    """x + 1x1 - BN - ReLU - 3x3 - BN - ReLU - 1x1 (x), the middle `narrower` times narrower; no ReLU after the sum."""

    def __init__(self, channels: int, narrower: int) -> None:
        super().__init__()
        middle = max(channels // narrower, 1)
        self.body = nn.Sequential(
            nn.Conv2d(channels, middle, 1), nn.BatchNorm2d(middle), nn.ReLU(),
            nn.Conv2d(middle, middle, 3, padding=1), nn.BatchNorm2d(middle), nn.ReLU(),
            nn.Conv2d(middle, channels, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        return x + self.body(x)  # type: ignore[no-any-return]


def _expanding(channels: int, times: int) -> nn.Sequential:
    wide = times * channels
    return nn.Sequential(nn.Conv2d(channels, wide, 1), nn.BatchNorm2d(wide), nn.ReLU(), nn.Conv2d(wide, channels, 1))


class NoisePredictor(nn.Module):
    """Φ: the noise in a latent at a time, from the latent plus a learned embedding of the time.

    `spatial`: two bottlenecks, 1x1, BN; else, for logits: two expansions to four times the width, BN between them."""

    def __init__(self, channels: int, spatial: bool) -> None:
        super().__init__()
        self.times = nn.Embedding(EMBEDDED, channels)
        self.body = (
            nn.Sequential(
                Bottleneck(channels, NARROWER), Bottleneck(channels, NARROWER),
                nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels),
            )
            if spatial
            else nn.Sequential(_expanding(channels, 4), nn.BatchNorm2d(channels), _expanding(channels, 4))
        )  # fmt: skip

    def forward(self, z: Tensor, time: Tensor | int) -> Tensor:
        """(B, c, H, W) at one time, or at times (B,), to the predicted noise of the same shape."""
        embedded = self.times.weight[time].reshape(-1, z.shape[1], 1, 1)
        return self.body(z + embedded)  # type: ignore[no-any-return]


class NoiseMatching(nn.Module):
    """γ in (0, 1) for each latent: how much of it is kept where noise is blended in, so that it looks as noisy as the time at
    which denoising starts. `start` sets the γ it begins around; None leaves that to the layers, about .5."""

    def __init__(self, channels: int, spatial: bool, start: float | None) -> None:
        super().__init__()
        self.body = (
            Bottleneck(channels, 2 * NARROWER)
            if spatial
            else nn.Sequential(*_expanding(channels, 2), nn.BatchNorm2d(channels))
        )  # fmt: skip
        self.choice = nn.Linear(channels, 2)
        if start is not None:
            with torch.no_grad():
                self.choice.bias.copy_(torch.tensor([math.log(start / (1.0 - start)), 0.0]))

    def forward(self, z: Tensor) -> Tensor:
        """(B, c, H, W) to (B,)."""
        return self.choice(self.body(z).mean((2, 3))).softmax(dim=1)[:, 0]  # type: ignore[no-any-return]


class Whole(nn.Module):
    """No compression: the latent is the map."""

    def forward(self, f: Tensor) -> tuple[Tensor, Tensor]:
        """The map (B, C, H, W), twice."""
        return f, f


class LinearAutoencoder(nn.Module):
    """1x1 and BN to width c, 1x1 back. The latent is detached: the encoder learns to reconstruct and nothing else."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width))
        self.decoder = nn.Conv2d(width, channels, 1)

    def forward(self, f: Tensor) -> tuple[Tensor, Tensor]:
        """The latent (B, c, H, W), detached, and the reconstruction (B, C, H, W) of a map."""
        z = self.encoder(f)
        return z.detach(), self.decoder(z)


class FixedProjection(nn.Module):
    """A linear map to width c of unit variances that is fitted once and never trained, and the least-squares way back."""

    mean: Tensor
    encode: Tensor
    decode: Tensor

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("encode", torch.eye(width, channels))
        self.register_buffer("decode", torch.eye(channels, width))

    def fit(self, moments: linear_maps.Moments, directions: Tensor) -> None:
        """Keep `directions` (c, C) of the features whose moments these are."""
        encode = linear_maps.whitened(moments.covariance, directions.to(moments.mean))
        self.mean.copy_(moments.mean)
        self.encode.copy_(encode)
        self.decode.copy_(linear_maps.way_back(moments.covariance, encode))

    def forward(self, f: Tensor) -> tuple[Tensor, Tensor]:
        """The latent (B, c, H, W) and the reconstruction (B, C, H, W) of a map."""
        mean = self.mean[:, None, None]
        z = torch.einsum("wc,bchv->bwhv", self.encode, f - mean)
        return z, torch.einsum("cw,bwhv->bchv", self.decode, z) + mean


@dataclass(frozen=True)
class Refined:
    """A student's latent on its way: as projected, as it came out of the denoising, and the γ of each image (B,); without
    noise matching γ is 1."""

    projected: Tensor
    denoised: Tensor
    gamma: Tensor


class Denoiser(nn.Module):
    """What brings a student's latent to the teacher's, and learns on the teacher's what noise is.

    `along`: the times of the denoising; none: no denoising, so neither Φ nor noise matching, only the two projections.
    """

    signals: Tensor

    def __init__(
        self, channels: int, width: int, *, spatial: bool, along: Sequence[int], matching: bool, start: float | None
    ) -> None:
        super().__init__()
        self.along = tuple(along)
        self.inward = nn.Conv2d(channels, width, 1)
        self.predictor = NoisePredictor(width, spatial) if along else None
        self.matching = NoiseMatching(width, spatial, start) if along and matching else None
        self.outward = nn.Sequential(nn.Conv2d(width, width, 1), nn.BatchNorm2d(width))
        self.register_buffer("signals", torch.tensor(diffusion.signals()), persistent=False)

    @property
    def dtype(self) -> torch.dtype:
        """That of its weights, in which it computes."""
        return self.inward.weight.dtype

    def forward(self, f: Tensor, generator: torch.Generator) -> Refined:
        """A student's map (B, C_s, H, W), projected, blended with noise of `generator` and denoised. The gradient reaches the
        student and everything in here, the noise predictor at all of its evaluations."""
        projected, z, gamma = self._begun(f, generator)
        if self.predictor is not None:
            z = diffusion.denoised(z, self.predictor, self.along)
        return Refined(projected, self.outward(z), gamma)

    def step_by_step(self, f: Tensor, generator: torch.Generator) -> tuple[Refined, tuple[Tensor, ...]]:
        """As `forward`, and what would have come out at each of the times of `along`, each (B, c, H, W), the last of them being
        what did. Raises ValueError where nothing is denoised."""
        if self.predictor is None:
            raise ValueError("without denoising there are no steps of it")
        projected, z, gamma = self._begun(f, generator)
        way = tuple(self.outward(clean) for clean in diffusion.estimates(z, self.predictor, self.along))
        return Refined(projected, way[-1], gamma), way

    def _begun(self, f: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """The projected latent, the same with noise blended in, and the γ of each image; 1 where none is blended in."""
        projected = self.inward(f.to(self.dtype))
        if self.matching is None:
            return projected, projected, torch.ones(len(projected), dtype=projected.dtype, device=projected.device)
        gamma = self.matching(projected)
        return projected, diffusion.blended(projected, _noise_like(projected, generator), gamma), gamma

    def diffusion_loss(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Mean squared error of the noise predicted in a teacher's latent (B, c, H, W), which gets no gradient, at a time
        drawn for each image. A scalar. Raises ValueError where nothing is denoised."""
        if self.predictor is None:
            raise ValueError("without denoising no noise is predicted, and there is no diffusion loss")
        z = z.detach()
        time = torch.randint(diffusion.STEPS, (len(z),), generator=generator, device=z.device)
        noise = _noise_like(z, generator)
        seen = diffusion.noised(z, noise, self.signals.to(z.dtype)[time][:, None, None, None])
        return (self.predictor(seen, time) - noise).square().mean()


def _noise_like(z: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(z.shape, dtype=z.dtype, device=z.device, generator=generator)
