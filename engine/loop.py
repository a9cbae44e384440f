"""Epochs over the training images: order, views, control, means over steps, resumable at any step.

The student, a teacher trained on the spot and a method's own modules all run through this one loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.control import Control
from engine.data import Split
from engine.data.batches import Views, order
from engine.events import Measured, Paused, Step, Unpaused
from engine.ledger import Ledger
from engine.report import Reporter

Describe = Callable[[Mapping[str, float], int], dict[str, float]]
"""From the means since the last report and the epoch to what a report says beside them."""


@dataclass(frozen=True)
class Batch:
    """One augmented batch: x (B, C, H, W) in [0, 1], y (B,) or None, index (B,) into the training split; `step` counts
    from 0, `epoch` from 1. `views` (B,) on the CPU numbers pairs of image and view, where there is an end of them."""

    x: Tensor
    y: Tensor | None
    index: Tensor
    epoch: int
    step: int
    views: Tensor | None = None


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """Batches of an epoch; a last batch of one image is left out, for batch normalization cannot use it."""
    whole, rest = divmod(samples, batch_size)
    return max(whole + (rest > 1), 1)


class Loop:
    """One stage's epochs. `names()` are the values each step returns, in order; they are reported as means."""

    def __init__(
        self,
        *,
        stage: str,
        split: Split,
        views: Views,
        seed: int,
        epochs: int,
        batch_size: int,
        report_every: int,
        save_every: int,
        names: Callable[[], tuple[str, ...]],
        numbered: bool = False,
    ) -> None:
        """`numbered`: batches say which views of their images they hold, for whoever remembers something of them."""
        self.stage, self.split, self.views, self.seed = stage, split, views, seed
        self.epochs, self.batch_size = epochs, batch_size
        self.report_every, self.save_every = report_every, save_every
        self.names = names
        self._numbered = numbered and bool(views.distinct)
        self.per_epoch = steps_per_epoch(len(split), batch_size)
        self.steps = self.per_epoch * epochs
        self.epoch, self.position = 1, 0
        self._sums: Tensor = torch.zeros(0)
        self._counts: Tensor = torch.zeros(0)
        self._since = 0.0
        self._images = 0
        self._taken = 0

    @property
    def step(self) -> int:
        """Steps taken so far."""
        return (self.epoch - 1) * self.per_epoch + self.position

    def run(
        self,
        take: Callable[[Batch], Tensor],
        *,
        report: Reporter,
        ledger: Ledger,
        control: Control,
        save: Callable[[], None],
        describe: Describe,
        after_epoch: Callable[[int], bool],
    ) -> None:
        """Go on to the end, or until `after_epoch(epoch)` says that it is enough."""
        self._since = report.clock.seconds()
        while self.epoch <= self.epochs:
            self._epoch(take, report, ledger, control, save, describe)
            if self.epoch == self.epochs and self._taken:
                self._say(report, ledger, describe)
            report.step, report.epoch = self.step, self.epoch
            if after_epoch(self.epoch):
                self.epochs = self.epoch
            self.epoch, self.position = self.epoch + 1, 0
            if (self.epoch - 1) % self.save_every == 0 or self.epoch > self.epochs:
                save()

    def _epoch(
        self,
        take: Callable[[Batch], Tensor],
        report: Reporter,
        ledger: Ledger,
        control: Control,
        save: Callable[[], None],
        describe: Describe,
    ) -> None:
        labels = self.split.labels
        sequence = order(len(self.split), self.seed, self.epoch)[: self.per_epoch * self.batch_size]
        for index, images in self.split.batches(sequence, self.batch_size, self.position):
            report.step, report.epoch = self.step, self.epoch
            if not control.calm:
                obey(control, report, save)
            x = self.views.at(images, index, self.epoch)
            y = None if labels is None else labels.index_select(0, index)
            self._add(take(Batch(x, y, index, self.epoch, self.step, self._views(sequence))))
            self.position += 1
            ledger.images += len(index)
            self._images += len(index)
            if self.step % self.report_every == 0:
                self._say(report, ledger, describe)

    def _views(self, sequence: Tensor) -> Tensor | None:
        """The numbers of the present batch's views, from the order on the CPU, so that nothing waits for the device."""
        if not self._numbered:
            return None
        start = self.position * self.batch_size
        return self.views.keys(sequence[start : start + self.batch_size], self.epoch)

    def _add(self, values: Tensor) -> None:
        """Sum what is finite, without waiting for the device."""
        if not len(self._sums):
            self._sums, self._counts = torch.zeros_like(values), torch.zeros_like(values)
        finite = torch.isfinite(values)
        self._sums += torch.where(finite, values, 0.0)
        self._counts += finite
        self._taken += 1

    def _say(self, report: Reporter, ledger: Ledger, describe: Describe) -> None:
        names, sums, counts = self.names(), self._sums.tolist(), self._counts.tolist()
        self._sums.zero_()
        self._counts.zero_()
        now = report.clock.seconds()
        means = {n: s / c if c else float("nan") for n, s, c in zip(names, sums, counts)}
        means |= describe(means, self.epoch)
        means["images_per_second"] = self._images / max(now - self._since, 1e-9)
        self._since, self._images = now, 0
        ledger.sample()
        report.say(Step, stage=self.stage, step=self.step, steps=self.steps, epoch=self.epoch, values=means)
        machine = ledger.look()
        if machine:
            report.say(Measured, stage=self.stage, step=self.step, epoch=self.epoch, values=machine)
        missed = {f"nonfinite/{n}": self._taken - c for n, c in zip(names, counts) if c < self._taken}
        self._taken = 0
        if missed:
            report.step, report.epoch = self.step, self.epoch
            report.observe(missed)

    def state(self) -> dict[str, Any]:
        """Where the loop stands, for a checkpoint."""
        return {"epoch": self.epoch, "position": self.position, "epochs": self.epochs, "sums": self._sums,
                "counts": self._counts, "taken": self._taken}  # fmt: skip

    def load(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self.epoch, self.position, self.epochs = int(state["epoch"]), int(state["position"]), int(state["epochs"])
        device = self.split.device
        self._sums, self._counts = (state[name].to(device, copy=True) for name in ("sums", "counts"))
        self._taken = int(state["taken"])


def obey(control: Control, report: Reporter, save: Callable[[], None]) -> None:
    """Do what was asked for between two steps; pauses are said and do not count as time."""

    def waiting() -> None:
        save()
        report.say(Paused)
        report.clock.hold()

    def going() -> None:
        report.clock.go()
        report.say(Unpaused)

    control.obey(save=save, waiting=waiting, going=going)
