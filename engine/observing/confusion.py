"""Who is taken for whom: how the images of one class are shared out among the classes that somebody names."""

from __future__ import annotations

import torch
from torch import Tensor


def confusion(rows: Tensor, columns: Tensor, classes: int) -> Tensor:
    """(C, C) float32: of the images that `rows` (N,) puts into the class of a row, the share that `columns` (N,) puts into that
    of each column. Every row sums to 1; that of a class without images is NaN."""
    pairs = torch.bincount(rows * classes + columns, minlength=classes * classes).reshape(classes, classes).double()
    return (pairs / pairs.sum(dim=1, keepdim=True)).float()


def class_accuracy(z: Tensor, y: Tensor) -> Tensor:
    """(C,) float32: top-1 in percent of logits z (N, C) among the images of each class of y (N,); NaN for a class without
    images."""
    classes = z.shape[1]
    right = (z.argmax(dim=1) == y).double()
    hits = torch.zeros(classes, dtype=torch.float64, device=z.device).index_add_(0, y, right)
    return (100.0 * hits / torch.bincount(y, minlength=classes)).float()
