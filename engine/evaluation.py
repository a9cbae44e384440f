"""Accuracy of a net on a split, always in float32 and evaluation mode."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.data import Split
from engine.data.pixels import to_unit
from engine.modes import evaluating


@dataclass(frozen=True)
class Score:
    """top1 and top5 in percent, mean cross-entropy in nats, and how many images were looked at."""

    top1: float
    top5: float
    loss: float
    images: int


def logits_of(net: nn.Module, split: Split, batch_size: int = 500) -> Tensor:
    """Logits (N, C) in float32 for the images of a split, in their order; the net is left in the mode it was in."""
    with evaluating(net), torch.no_grad():
        return torch.cat([net(to_unit(images)).float() for _, images in split.batches(torch.arange(len(split)), batch_size)])


def evaluate(net: nn.Module, split: Split, batch_size: int = 500) -> Score:
    """The score of a net on a labelled split. Raises ValueError for a split without labels."""
    if split.labels is None:
        raise ValueError("accuracy needs labels; this split has none")
    return score(logits_of(net, split, batch_size), split.labels)


def score(logits: Tensor, labels: Tensor) -> Score:
    """The score of logits (N, C) against labels (N,)."""
    top = logits.topk(min(5, logits.shape[1]), dim=1).indices
    hits = top == labels[:, None]
    return Score(
        top1=100.0 * hits[:, 0].double().mean().item(),
        top5=100.0 * hits.any(dim=1).double().mean().item(),
        loss=functional.cross_entropy(logits, labels).item(),
        images=len(labels),
    )
