"""What the nets say of single images, kept small: thumbnails once, and of every evaluation the few numbers that are shown."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.data.pixels import resized

COUNT = 256
"""Images of the probe sample that are kept to be looked at."""
SIDE = 64
"""Most pixels a side of a thumbnail."""
NAMED = 3
"""Classes named by each net."""
COLUMNS = (
    *(f"{who} {what} {rank}" for who in ("student", "teacher") for what in ("class", "share") for rank in (1, 2, 3)),
    "student label",
    "teacher label",
    "difference",
)
"""What a row of `outputs` holds: the classes each net finds likeliest and their probabilities, the probability each gives to
the label, and the share of probability that the two give to different classes."""


def thumbnails(images: Tensor) -> Tensor:
    """Images (N, C, H, W) uint8 as (N, h, w, C), no side longer than `SIDE`."""
    side = min(SIDE, images.shape[-1])
    return resized(images, side).permute(0, 2, 3, 1)


def outputs(z_s: Tensor, z_t: Tensor | None, y: Tensor | None) -> Tensor:
    """(N, `COLUMNS`) float32 of logits (N, C) of the student and of whoever teaches, and labels (N,). NaN where nobody teaches,
    where nothing is labelled, and where there are fewer classes than are named."""
    p_s = torch.softmax(z_s.float(), dim=1)
    p_t = None if z_t is None else torch.softmax(z_t.float(), dim=1)
    missing = torch.full_like(p_s[:, :1], torch.nan)
    labels = [missing if p is None or y is None else p.gather(1, y[:, None]) for p in (p_s, p_t)]
    apart = missing if p_t is None else 0.5 * (p_s - p_t).abs().sum(dim=1, keepdim=True)
    return torch.cat((_named(p_s), missing.expand(-1, 2 * NAMED) if p_t is None else _named(p_t), *labels, apart), dim=1)


def _named(p: Tensor) -> Tensor:
    """(N, 2 · `NAMED`): the likeliest classes, then their probabilities."""
    values, classes = p.topk(min(NAMED, p.shape[1]), dim=1)
    room = torch.full((len(p), NAMED - values.shape[1]), torch.nan, device=p.device)
    return torch.cat((classes.float(), room, values, room), dim=1)
