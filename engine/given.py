"""What a method is given: the facts before the first batch, both nets, a batch as they see it, and the laboratory in which it
prepares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from engine import pairing

Places = Mapping[str, str]
"""A method's own name -> the name of a tap."""


@dataclass(frozen=True)
class Facts:
    """What is known before the first batch. `labels` is N class numbers or None; `shape` is (C, H, W) of a batch."""

    classes: int
    class_names: tuple[str, ...]
    labels: Tensor | None
    samples: int
    shape: tuple[int, int, int]
    epochs: int
    steps_per_epoch: int
    device: torch.device


@dataclass(frozen=True)
class Part:
    """A module that stays in the student: inserted after a tap, or (`after="head"`) in the place of the classifier, and
    rebuilt from `kind` and `arguments` without a teacher. A method's part is named after it, and so are the taps inside."""

    name: str
    after: str
    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """What one net said of a batch: logits (B, C) and the taps by the method's own names."""

    logits: Tensor
    taps: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """One batch as a method sees it. `x` is (B, C, H, W) in [0, 1]; `y` (B,) or None; `index` (B,) positions in the
    training set; `epoch` counts from 1; `teacher` is None without a teacher net or a method that teaches (its `taps`
    are empty when a method teaches). Logits and taps are float32. Methods that compare logits see the student's as they
    asked for them (`Method.answers`), both nets' as the modifiers of the stack left them, and `temperature` (a scalar)
    where one set it: `Method.temperature` knows which one counts."""

    x: Tensor
    y: Tensor | None
    index: Tensor
    epoch: int
    step: int
    generator: torch.Generator
    student: View
    teacher: View | None = None
    temperature: Tensor | None = None


@dataclass(frozen=True)
class Side:
    """A net before training: the net itself and the shape of each tap, (C, H, W) or (d,), the taps of parts included."""

    net: nn.Module
    shapes: Mapping[str, tuple[int, ...]]

    @property
    def stages(self) -> tuple[str, ...]:
        """The taps of its stages in order, without stem and pooled features."""
        return pairing.stages(self.shapes)

    @property
    def head(self) -> nn.Linear:
        """The classifier: the last linear layer."""
        return self.net.head  # type: ignore[return-value]

    def module_at(self, tap: str) -> nn.Module:
        """The module whose output (or input) is the tap."""
        return self.net.module_at(tap)  # type: ignore[no-any-return,operator]

    def norm_before(self, tap: str) -> nn.BatchNorm2d:
        """The batch normalization before the activation of a tap. Raises NetError where the net names none."""
        return self.net.norm_before(tap)  # type: ignore[no-any-return,operator]


class Lab(Protocol):
    """What a method's `prepare` works with. Pause, stop, progress and the ledger come for free in `loop` and `batches`."""

    facts: Facts
    student: Side
    teacher: Side | None
    generator: torch.Generator
    device: torch.device

    def loop(
        self,
        stage: str,
        modules: Iterable[nn.Module],
        loss: Callable[[Tensor, Tensor | None], Mapping[str, Tensor]],
        *,
        epochs: int,
        batch_size: int,
        optimizer: torch.optim.Optimizer,
        schedule: Any = None,
        after_epoch: Callable[[int], None] | None = None,
    ) -> None:
        """Train `modules` on the augmented training images: `loss(x, y)` gives named losses, whose sum is minimized and
        each of which becomes a curve."""
        ...

    def stage(self, name: str, state: Callable[[], Any] | None = None) -> AbstractContextManager[Any]:
        """`with lab.stage("soft labels"):` around closed-form work; `loop` opens its stage by itself. Work that can be gone
        on with says its `state()`, and is given what it said where an earlier attempt was cut short in it, else None."""
        ...

    def finished(self, name: str) -> Any:
        """What the `state()` of a stage was at its end, where an earlier attempt finished it; None where it is to be done."""
        ...

    def progress(self, what: str, done: int, total: int, unit: str) -> None:
        """Between two pieces of closed-form work: obey Pause and Stop, and say how far it is."""
        ...

    def batches(self, limit: int | None = None, augment: bool = False) -> Iterator[tuple[Tensor, Tensor | None, Tensor]]:
        """(x, y, index) over the training images in order, x in [0, 1]; at most `limit` images."""
        ...

    def images(self, index: Tensor) -> Tensor:
        """The training images at `index`, as (N, C, H, W) in [0, 1] without augmentation."""
        ...

    def normalize(self, x: Tensor) -> Tensor:
        """`x` with the mean and standard deviation of the dataset."""
        ...

    def show(self, watch: str, value: Tensor | list[dict[str, Any]], labels: Mapping[str, list[Any]] | None = None) -> None:
        """Report a watch: a tensor, or the rows of a table."""
        ...

    def measure(self, values: Mapping[str, float]) -> None:
        """Report scalars by their plain names; they become curves and evidence for findings."""
        ...

    def note(self, sentence: str) -> None:
        """A sentence for the log."""
        ...
