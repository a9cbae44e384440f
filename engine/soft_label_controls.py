"""Controls of methods that learn from somebody's logits: soft labels as sure of the right class, which know nothing of the
others. What such a method gains over them is what the ranking of the other classes taught.

Shapes: B images, C classes; z logits (B, C), y class numbers (B,).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor

from engine import seeds
from engine.cards import Condition
from engine.knobs import knob

Control = Literal["none", "label smoothing", "shuffled"]

LABELLED: Condition = {"control": ("label smoothing", "shuffled")}
"""The settings under which a method needs labels for its control."""


def control() -> Any:
    """The setting of a method that offers these controls; its name is `control`."""
    return knob(
        "none", "Controls. label smoothing: soft labels as sure of the right class of each image as the teacher's, and alike "
        "for the rest; shuffled: the teacher's, those of the other classes in another order, one for each right class.",
        level="advanced", controls={"label smoothing": "matched label smoothing", "shuffled": "shuffled soft labels"},
    )  # fmt: skip


def controlled(z: Tensor, y: Tensor | None, temperature: float | Tensor, kind: Control) -> Tensor:
    """The logits that a method compares with instead of the teacher's z, under its control; z itself where that is `none`.
    Raises ValueError without labels, for what is kept is what z says of the right class."""
    if kind == "none":
        return z
    if y is None:
        raise ValueError(f"the control “{kind}” needs labels: it keeps what the teacher says of the right class")
    with torch.no_grad():
        return evened(z, y, temperature) if kind == "label smoothing" else shuffled(z, y)


def evened(z: Tensor, y: Tensor, temperature: float | Tensor) -> Tensor:
    """Logits whose softmax(· / τ) is z's at the right class and the same for every other: label smoothing, matched image by
    image. The others get τ (ln Σ exp(z_c / τ) - ln (C - 1)), c ≠ y."""
    right = torch.zeros_like(z, dtype=torch.bool).scatter_(1, y[:, None], True)
    rest = (z.float() / temperature).masked_fill(right, -torch.inf).logsumexp(1, keepdim=True)
    even = (rest - math.log(z.shape[1] - 1)) * temperature
    return torch.where(right, z, even.to(z.dtype))


def shuffled(z: Tensor, y: Tensor) -> Tensor:
    """Logits of the other classes in another order: the same for all images of a class, and the same in every run."""
    return z.gather(1, _orders(z.shape[1], str(z.device))[y])


@cache
def _orders(classes: int, device: str) -> Tensor:
    """(C, C): row c says from which class each class takes its logit where c is right; c keeps its own."""
    chance = seeds.generator(0, "shuffled soft labels", classes)
    beside = ~torch.eye(classes, dtype=torch.bool)
    numbers = torch.arange(classes).expand(classes, classes)
    drawn = torch.rand(classes, classes - 1, generator=chance).argsort(dim=1)
    found = numbers.clone()
    found[beside] = numbers[beside].view(classes, classes - 1).gather(1, drawn).flatten()
    return found.to(device)
