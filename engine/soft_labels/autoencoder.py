"""The small convolutional autoencoder of ReffAKD, and how much of its images it has learned.

Every layer halves or doubles the side with kernel 4, stride 2, padding 1 (Doshi & Kim 2024, official notebooks), so the side
must be a multiple of 8. 47,355 parameters for three channels, 46,585 for one.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Output = Literal["sigmoid", "linear"]
WIDTHS = (12, 24, 48)


class Autoencoder(nn.Module):
    """Three convolutions down, three transposed ones up; the embedding is the third layer after its ReLU.

    Takes normalized images (B, channels, H, W), H and W multiples of 8. Non-negative embeddings: every cosine is in [0, 1].
    """

    def __init__(self, channels: int, output: Output = "sigmoid") -> None:
        super().__init__()
        a, b, c = WIDTHS
        self.encoder = nn.Sequential(_down(channels, a), nn.ReLU(), _down(a, b), nn.ReLU(), _down(b, c), nn.ReLU())
        last = nn.Sigmoid() if output == "sigmoid" else nn.Identity()
        self.decoder = nn.Sequential(_up(c, b), nn.ReLU(), _up(b, a), nn.ReLU(), _up(a, channels), last)

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction, shaped like x."""
        return self.decoder(self.encoder(x))  # type: ignore[no-any-return]

    def embed(self, x: Tensor) -> Tensor:
        """(B, 48 · H/8 · W/8), non-negative."""
        return self.encoder(x).flatten(1)  # type: ignore[no-any-return]


def _down(inputs: int, outputs: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1)


def _up(inputs: int, outputs: int) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1)


def fitted(height: int, width: int) -> tuple[int, int]:
    """The next sides up that the autoencoder takes: 28 becomes 32, 8 stays 8."""
    return -(-height // 8) * 8, -(-width // 8) * 8


def resize(x: Tensor, side: tuple[int, int]) -> Tensor:
    """x (B, C, H, W) bilinearly at another side; x itself where it fits already."""
    if x.shape[-2:] == side:
        return x
    return functional.interpolate(x, size=side, mode="bilinear", align_corners=False)


def explained(x: Tensor, reconstruction: Tensor, output: Output) -> float:
    """Share of what can be reconstructed that is: (V - MSE) / (V - floor); about 0 for a constant output, 1 at the best.

    V is the variance of the target x within its channels. A Sigmoid cannot leave (0, 1) while the target is normalized,
    so its error has the floor E[(x - clip(x, 0, 1))²]; a linear output has none.
    """
    variance = x.var(dim=(0, 2, 3), correction=0).mean()
    floor = (x - x.clamp(0, 1)).square().mean() if output == "sigmoid" else torch.zeros(())
    error = functional.mse_loss(reconstruction, x)
    return ((variance - error) / (variance - floor)).item()
