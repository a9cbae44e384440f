"""Some images of a split, drawn evenly from all of it, under the positions they have there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import torch
from torch import Tensor

from engine.data.split import Split


class Thinned(Split):
    """At most `count` images of a split. It is as long as they are many and gives them in batches, but the index that comes
    with each, the labels (N,), and `take` are the whole split's, so that whoever remembers an image by its index finds it."""

    def __init__(self, whole: Split, count: int) -> None:
        self.whole = whole
        self.labels = whole.labels
        self._kept = torch.linspace(0, len(whole) - 1, min(count, len(whole)), dtype=torch.float64).round().long()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def device(self) -> torch.device:
        """See `Split.device`."""
        return self.whole.device

    @property
    def shape(self) -> tuple[int, int, int]:
        """See `Split.shape`."""
        return self.whole.shape

    def take(self, index: Tensor) -> Tensor:
        """See `Split.take`; any image of the whole split."""
        return self.whole.take(index)

    def batches(self, sequence: Tensor, batch_size: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """See `Split.batches`; `sequence` counts what was kept, the index given is the whole split's."""
        return self.whole.batches(self._kept[sequence.cpu()], batch_size, start)

    def fingerprint(self) -> str:
        """See `Split.fingerprint`."""
        return f"{self.whole.fingerprint()} {len(self)}"

    def with_labels(self, labels: Tensor | None) -> Self:
        """See `Split.with_labels`."""
        return type(self)(self.whole.with_labels(labels), len(self))


def kept_apart(whole: Split | None, count: int) -> Split | None:
    """So many images of a split that is only evaluated, as a split of its own with its own labels; None where there is none."""
    if whole is None or len(whole) <= count:
        return whole
    return _Own(whole, count)


class _Own(Thinned):
    """Counts its images from 0."""

    def __init__(self, whole: Split, count: int) -> None:
        super().__init__(whole, count)
        kept = self._kept if whole.labels is None else self._kept.to(whole.labels.device)
        self.labels = None if whole.labels is None else whole.labels[kept]

    def take(self, index: Tensor) -> Tensor:
        """See `Split.take`."""
        return self.whole.take(self._kept[index.cpu()])

    def batches(self, sequence: Tensor, batch_size: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """See `Split.batches`."""
        own = sequence[start * batch_size :].split(batch_size)
        given = super().batches(sequence, batch_size, start)
        return ((index.to(self.device), images) for index, (_, images) in zip(own, given))

    def with_labels(self, labels: Tensor | None) -> Self:
        """See `Split.with_labels`; they are these images' own."""
        made = type(self)(self.whole, len(self))
        made.labels = labels
        return made
