"""Images of one part of a dataset, wherever they lie: what training, evaluation and methods read them through."""

from __future__ import annotations

import dataclasses
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


class Split(ABC):
    """N images and their labels (N,) int64 on the device, or None where they are not to be used."""

    labels: Tensor | None

    @abstractmethod
    def __len__(self) -> int:
        """How many images."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where images and labels arrive."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""

    @abstractmethod
    def take(self, index: Tensor) -> Tensor:
        """The images (B, C, H, W) uint8 at `index` (B,), on the device; `index` may lie on any device."""

    @abstractmethod
    def batches(self, sequence: Tensor, batch_size: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The images of `sequence` (n,) in batches, from the batch numbered `start` on: index (B,) and images
        (B, C, H, W) uint8, both on the device. The last batch may be smaller."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash that changes when the images do."""

    @abstractmethod
    def with_labels(self, labels: Tensor | None) -> Self:
        """The same images with other labels (N,) on the device, or with none."""


@dataclass(frozen=True, eq=False)
class Resident(Split):
    """Images (N, C, H, W) uint8 in the device's memory."""

    images: Tensor
    labels: Tensor | None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def device(self) -> torch.device:
        """See `Split.device`."""
        return self.images.device

    @property
    def shape(self) -> tuple[int, int, int]:
        """See `Split.shape`."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def take(self, index: Tensor) -> Tensor:
        """See `Split.take`."""
        # index_select gathers whole images, many times quicker than indexing does
        return self.images.index_select(0, index.to(self.device))

    def batches(self, sequence: Tensor, batch_size: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """See `Split.batches`."""
        there = sequence.to(self.device)
        for first in range(start * batch_size, len(there), batch_size):
            index = there[first : first + batch_size]
            yield index, self.images.index_select(0, index)

    def fingerprint(self) -> str:
        """See `Split.fingerprint`."""
        return hashlib.sha256(self.images.cpu().numpy().tobytes()).hexdigest()

    def with_labels(self, labels: Tensor | None) -> Self:
        """See `Split.with_labels`."""
        return dataclasses.replace(self, labels=labels)
