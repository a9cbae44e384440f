"""Images that do not fit the device: each batch is brought there when it is its turn, prepared while the last one trains."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from engine.data.images import Decoder, Images
from engine.data.split import Split


@dataclass(frozen=True, eq=False)
class Streamed(Split):
    """Images read batch by batch, at one side; only `labels` lie on the device, which is `where`."""

    images: Images
    labels: Tensor | None
    where: torch.device
    side: int
    decoder: Decoder

    def __len__(self) -> int:
        return len(self.images)

    @property
    def device(self) -> torch.device:
        """See `Split.device`."""
        return self.where

    @property
    def shape(self) -> tuple[int, int, int]:
        """See `Split.shape`."""
        return self.images.channels, self.side, self.side

    def take(self, index: Tensor) -> Tensor:
        """See `Split.take`."""
        return next(self._read([index.cpu()]))

    def batches(self, sequence: Tensor, batch_size: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """See `Split.batches`."""
        here = sequence.cpu()
        parts = [here[first : first + batch_size] for first in range(start * batch_size, len(here), batch_size)]
        for index, images in zip(parts, self._read(parts)):
            yield index.to(self.where), images

    def _read(self, parts: list[Tensor]) -> Iterator[Tensor]:
        pinned = self.where.type == "cuda"
        for images in self.images.read(parts, self.side, self.decoder, pinned):
            yield images.to(self.where, non_blocking=pinned)

    def fingerprint(self) -> str:
        """See `Split.fingerprint`."""
        return self.images.fingerprint(self.side)

    def with_labels(self, labels: Tensor | None) -> Self:
        """See `Split.with_labels`."""
        return dataclasses.replace(self, labels=labels)
