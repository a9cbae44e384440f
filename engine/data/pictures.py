"""What a dataset is once loaded, and what a dataset's file hands over before it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from engine.data.images import Images
from engine.data.split import Split
from engine.decoding.images import DataError
from engine.experiment import DatasetSettings

Loading = Literal["memory", "stream"]


@dataclass(frozen=True)
class Pictures:
    """A dataset ready to be looked at. `mean` and `std` are measured on `train` (per channel, pixels in [0, 1]); `shape` is
    (C, H, W); `notes` are sentences about what was done to the images; `settings` says how batches are augmented.
    `class_names` is empty until `named` where the images say nothing of classes. `bytes` is what all images take as they are
    looked at, `budget` what they may fill of the device's memory, `loading` what followed from it."""

    train: Split
    heldout: Split | None
    test: Split | None
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    shape: tuple[int, int, int]
    notes: tuple[str, ...]
    settings: DatasetSettings
    loading: Loading = "memory"
    bytes: int = 0
    budget: int = 0
    end: Callable[[], None] = lambda: None

    @property
    def classes(self) -> int:
        """How many classes."""
        return len(self.class_names)

    @property
    def evaluated(self) -> Split | None:
        """Whose accuracy counts: the test images where they are labelled, else the held-out ones where these are."""
        return next((s for s in (self.test, self.heldout) if s is not None and s.labels is not None), None)

    def close(self) -> None:
        """End the processes that decode, if any; nothing can be looked at afterwards where images stream."""
        self.end()

    def named(self, names: Sequence[str]) -> Pictures:
        """Images without labels under a teacher's classes, in the teacher's order. Labels of the test images follow the names.
        Raises DataError where the test images are of other classes."""
        wanted = tuple(names)
        if not self.class_names or wanted == self.class_names:
            return dataclasses.replace(self, class_names=wanted)
        if sorted(wanted) != sorted(self.class_names):
            odd = next((name for name in self.class_names if name not in wanted), "")
            said = f"{odd!r} is none of the teacher's classes" if odd else "some of the teacher's classes are missing"
            raise DataError(
                f"dataset.test_root: {said} ({len(self.class_names)} in the folder, {len(wanted)} in the teacher); name the "
                "class folders as the teacher's classes are named, or leave the folder empty"
            )
        place = torch.tensor([wanted.index(name) for name in self.class_names])
        return dataclasses.replace(self, class_names=wanted, test=_relabelled(self.test, place))


def _relabelled(split: Split | None, place: Tensor) -> Split | None:
    if split is None or split.labels is None:
        return split
    return split.with_labels(place.to(split.labels.device)[split.labels])


@dataclass(frozen=True)
class Pile:
    """A part of a dataset before it is loaded: its labels (N,) int64 and its images."""

    labels: Tensor
    images: Images

    def part(self, index: Tensor) -> Pile:
        """The images at `index` (n,) and their labels."""
        return Pile(self.labels[index], self.images.part(index))


@dataclass(frozen=True)
class Source:
    """What a dataset's file hands over: its piles (test and held-out where it brings them) and the images' own side.
    `labelled`: whether the labels of the training images mean anything."""

    train: Pile
    test: Pile | None
    heldout: Pile | None
    class_names: tuple[str, ...]
    side: int
    notes: tuple[str, ...] = ()
    labelled: bool = True
