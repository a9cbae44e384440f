"""What embeddings know of the classes, and how many directions they or a matrix use. Shapes: e (N, d), y (N,)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

CHUNK = 512


def neighbour_accuracy(e: Tensor, y: Tensor, k: int = 10) -> float:
    """Leave-one-out accuracy in percent of a vote among the k nearest by cosine; a tied vote goes to the smaller class."""
    unit = functional.normalize(e.float(), dim=1)
    classes, hits = int(y.max()) + 1, 0
    for start in range(0, len(unit), CHUNK):
        near = unit[start : start + CHUNK] @ unit.T
        own = torch.arange(start, start + len(near), device=e.device)
        near[torch.arange(len(near), device=e.device), own] = -torch.inf
        chosen = y[near.topk(min(k, len(unit) - 1), dim=1).indices]
        votes = functional.one_hot(chosen, classes).sum(dim=1)
        hits += int((votes.argmax(dim=1) == y[own]).sum())
    return 100.0 * hits / len(y)


def effective_rank(e: Tensor) -> float:
    """exp of the entropy of the normalized singular values of the centred embeddings (Roy & Vetterli 2007)."""
    centred = (e - e.mean(dim=0)).double()
    gram = centred.T @ centred if centred.shape[1] < centred.shape[0] else centred @ centred.T
    return _even(torch.linalg.eigvalsh(gram).clamp_min(0).sqrt())


def spectral_rank(matrix: Tensor) -> float:
    """exp of the entropy of the normalized singular values of a matrix as it is: n for a rotation of n dimensions, 1 for an
    outer product."""
    return _even(torch.linalg.svdvals(matrix.double()))


def _even(values: Tensor) -> float:
    """How many equal values would be spread as evenly."""
    share = values / values.sum().clamp_min(torch.finfo(values.dtype).tiny)
    return (-torch.xlogy(share, share).sum()).exp().item()
