"""Where the images of a part of a dataset come from: memory, or files that are decoded when they are needed."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor

from engine.data.pixels import resized
from engine.decoding.images import decode

CHUNK = 512
"""Images that are decoded or resized at once."""


class Decoder(Protocol):
    """Who decodes: see `Crew.batches` for the contract."""

    def batches(self, wanted: Iterable[Sequence[str]], make: Callable[[int], np.ndarray]) -> Iterator[np.ndarray]:
        """The images of each list of files in turn, in what `make` gives for so many."""


class Here:
    """Decodes in the calling process: right for a few files, for which no process is worth starting."""

    def batches(self, wanted: Iterable[Sequence[str]], make: Callable[[int], np.ndarray]) -> Iterator[np.ndarray]:
        """See `Decoder.batches`."""
        for paths in wanted:
            into = make(len(paths))
            decode(paths, into)
            yield into


class Images(Protocol):
    """N images that can be had at any side."""

    @property
    def channels(self) -> int:
        """1 or 3."""

    def __len__(self) -> int:
        """How many."""

    def part(self, index: Tensor) -> Self:
        """Those at `index` (n,)."""

    def read(self, batches: Iterable[Tensor], side: int, decoder: Decoder, pinned: bool = False) -> Iterator[Tensor]:
        """Those at each index (n,) in turn: uint8 (n, C, side, side) on the CPU, page-locked where `pinned`. Raises
        DataError with the file that cannot be read."""

    def fingerprint(self, side: int) -> str:
        """A hash that changes when the images do."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """Images in memory: `pixels` (N, C, H, W) uint8 on the CPU."""

    pixels: Tensor

    @property
    def channels(self) -> int:
        """1 or 3."""
        return self.pixels.shape[1]

    def __len__(self) -> int:
        return len(self.pixels)

    def part(self, index: Tensor) -> Loaded:
        """See `Images.part`."""
        return Loaded(self.pixels[index])

    def read(self, batches: Iterable[Tensor], side: int, decoder: Decoder, pinned: bool = False) -> Iterator[Tensor]:
        """See `Images.read`."""
        for index in batches:
            made = resized(self.pixels.index_select(0, index), side)
            yield made.pin_memory() if pinned else made

    def fingerprint(self, side: int) -> str:
        """See `Images.fingerprint`."""
        digest = hashlib.sha256(f"{tuple(self.pixels.shape)} {side}".encode())
        digest.update(np.ascontiguousarray(self.pixels.numpy()).data)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Files:
    """Images in files: `names` (N,) are bytes below `root`, as compact as a million of them should be."""

    root: Path
    names: np.ndarray
    channels: int

    @classmethod
    def of(cls, root: Path, names: Sequence[str], channels: int) -> Files:
        """From names below a folder."""
        return cls(root, np.array([os.fsencode(name) for name in names], dtype=np.bytes_), channels)

    def __len__(self) -> int:
        return len(self.names)

    def paths(self, index: Tensor) -> list[str]:
        """The files at `index` (n,)."""
        root = str(self.root)
        return [os.path.join(root, os.fsdecode(name)) for name in self.names[index.numpy()].tolist()]  # noqa: PTH118 (quick)

    def part(self, index: Tensor) -> Files:
        """See `Images.part`."""
        return Files(self.root, self.names[index.numpy()], self.channels)

    def read(self, batches: Iterable[Tensor], side: int, decoder: Decoder, pinned: bool = False) -> Iterator[Tensor]:
        """See `Images.read`."""

        made: deque[Tensor] = deque()

        def make(count: int) -> np.ndarray:
            made.append(torch.empty((count, self.channels, side, side), dtype=torch.uint8, pin_memory=pinned))
            return made[-1].numpy()

        for _ in decoder.batches((self.paths(index) for index in batches), make):
            yield made.popleft()

    def fingerprint(self, side: int) -> str:
        """See `Images.fingerprint`; of names, sizes and times, for reading every file would take as long as an epoch."""
        digest = hashlib.sha256(f"{self.channels} {side}".encode())
        for path in self.paths(torch.arange(len(self))):
            found = os.stat(path)  # noqa: PTH116 (a million times)
            digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()
