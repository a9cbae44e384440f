"""What linear maps can do with features: which directions to keep, how to go back, how well one set predicts another.

Shapes: x (N, d), y (N, e), N samples (every place of a map is one); a covariance (d, d). Computed in float64.
"""

from __future__ import annotations

import torch
from torch import Tensor

RIDGE = 1e-6
"""Share of the mean variance added to every direction before a matrix is inverted, so that constant ones do no harm."""


class Moments:
    """Mean (d,) and covariance (d, d) of samples that come batch by batch."""

    def __init__(self) -> None:
        self._count = 0
        self._sum = self._squares = torch.zeros(())

    def add(self, x: Tensor) -> None:
        """Take in (N, d)."""
        x = x.double()
        self._count += len(x)
        self._sum = self._sum.to(x.device) + x.sum(dim=0)
        self._squares = self._squares.to(x.device) + x.T @ x

    @property
    def mean(self) -> Tensor:
        """(d,)."""
        return self._sum / self._count

    @property
    def covariance(self) -> Tensor:
        """(d, d), over N."""
        return self._squares / self._count - torch.outer(self.mean, self.mean)


def places(f: Tensor) -> Tensor:
    """(B · H · W, C): every place of a map (B, C, H, W) as a sample."""
    return f.movedim(1, -1).flatten(0, -2)


def principal(covariance: Tensor, count: int) -> Tensor:
    """(count, d): the orthonormal directions of largest variance, largest first."""
    _, vectors = torch.linalg.eigh(covariance)
    return vectors.flip(1)[:, :count].T.contiguous()


def random_directions(size: int, count: int, generator: torch.Generator) -> Tensor:
    """(count, size), float64: orthonormal directions drawn evenly; count ≤ size."""
    drawn = torch.randn(size, count, dtype=torch.float64, generator=generator, device=generator.device)
    return torch.linalg.qr(drawn).Q.T.contiguous()


def whitened(covariance: Tensor, directions: Tensor) -> Tensor:
    """(count, d): the directions scaled so that each has variance 1 under `covariance` (one without any stays as it is)."""
    variance = _within(covariance, directions).diagonal()
    floor = RIDGE * covariance.diagonal().mean()
    return directions / torch.where(variance > floor, variance, 1.0).sqrt()[:, None]


def way_back(covariance: Tensor, encode: Tensor) -> Tensor:
    """(d, count): the linear map from encode · x to x with the least mean squared error, for x of mean 0."""
    return torch.linalg.solve(_ridged(_within(covariance, encode)), encode @ covariance).T.contiguous()


def _within(covariance: Tensor, directions: Tensor) -> Tensor:
    return directions @ covariance @ directions.T


def _ridged(matrix: Tensor) -> Tensor:
    """With `RIDGE` of its mean diagonal on the diagonal, and the identity where there is no variance at all."""
    size = matrix.diagonal().mean()
    return matrix + torch.where(size > 0, RIDGE * size, 1.0) * torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)


def explained(x: Tensor, again: Tensor) -> Tensor:
    """R² of a reconstruction: 1 - mean squared error over the variance around the mean of each entry. A scalar."""
    x, again = x.double(), again.double()
    spread = (x - x.mean(dim=0)).square().sum()
    return 1.0 - (x - again).square().sum() / spread.clamp_min(torch.finfo(x.dtype).tiny)


def linear_error(x: Tensor, y: Tensor) -> Tensor:
    """Mean squared error of y - A x - b on the second half of the samples, A and b fitted by least squares to the first."""
    x, y = x.double(), y.double()
    half = len(x) // 2
    mean_x, mean_y = x[:half].mean(dim=0), y[:half].mean(dim=0)
    own, other = x[:half] - mean_x, y[:half] - mean_y
    fitted = torch.linalg.solve(_ridged(own.T @ own), own.T @ other)
    return ((x[half:] - mean_x) @ fitted + mean_y - y[half:]).square().mean()


def gain_over_linear(found: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """1 - MSE(found, y) / MSE(best linear map of x, y), both on the second half of the samples: above 0 where `found` (N, e)
    is nearer to y than any linear map fitted to the first half could come. A scalar."""
    half = len(x) // 2
    error = (found[half:].double() - y[half:].double()).square().mean()
    return 1.0 - error / linear_error(x, y).clamp_min(torch.finfo(torch.float64).tiny)
