"""`kdstudio bench step`: what the engine costs beside the same step written by hand."""

from __future__ import annotations

import copy
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from engine.attempt import Attempt
from engine.control import Control
from engine.data.pixels import to_unit
from engine.distilling import Distilling
from engine.events import Event
from engine.forward import forward
from engine.loop import Batch
from engine.method import View
from engine.optim import optimizer
from engine.presets import Resolved
from engine.runs import RunFolder

ROUNDS = 9
OF_BARE = 0.95
"""What is asked: the engine's speed of the bare step's."""


def step(resolved: Resolved) -> Iterator[str]:
    """The engine's step against the bare one: same nets, losses, precision and threads on one fixed batch."""
    with tempfile.TemporaryDirectory() as folder:
        attempt = begun(unremembered(resolved), Path(folder))
        distilling = attempt.assembled()
        ours, bare = engine(attempt, distilling), by_hand(distilling)
        pairs = [(timed(ours), timed(bare)) for _ in range(ROUNDS + 1)][1:]
    images = min(distilling.loop.batch_size * distilling.loop.per_epoch, len(distilling.pictures.train))
    ratio = statistics.median(b / a for a, b in pairs)
    yield f"{resolved.experiment.title}: {distilling.resources}"
    yield f"engine  {images / statistics.median(a for a, _ in pairs):10.0f} images/s  (median of {ROUNDS} epochs)"
    yield f"bare    {images / statistics.median(b for _, b in pairs):10.0f} images/s"
    yield f"engine / bare  {ratio:.3f}  (median of the ratios of {ROUNDS} interleaved pairs, asked: {OF_BARE:g})"


def begun(resolved: Resolved, folder: Path, hear: Callable[[Event], None] = lambda event: None) -> Attempt:
    """An attempt at a run in a folder of its own."""
    return Attempt(resolved, RunFolder.create(folder, resolved, "bench"), hear, Control(), folder)


def unremembered(resolved: Resolved) -> Resolved:
    """The experiment without a memo of the teacher, so that every step does what it does by hand."""
    experiment = resolved.experiment.model_copy(deep=True)
    experiment.run.memo = 0.0
    return replace(resolved, experiment=experiment)


def timed(work: Callable[[], None]) -> float:
    """Seconds that something takes, the device's work included."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def engine(attempt: Attempt, distilling: Distilling) -> Callable[[], None]:
    """One epoch through the engine: order, augmentation, every term, accumulation, reports to disk; no evaluation."""
    loop, hand = distilling.loop, attempt.hand
    distilling.cast.student.train()

    def epoch() -> None:
        loop.epochs = loop.epoch
        loop.run(
            distilling.take,
            report=hand.report,
            ledger=hand.ledger,
            control=hand.control,
            save=lambda: None,
            describe=distilling.described,
            after_epoch=lambda number: False,
        )

    return epoch


def by_hand(distilling: Distilling) -> Callable[[], None]:
    """As many steps by hand: forward of both nets, the methods' losses and cross-entropy, backward, update."""
    cast, training, resources = distilling.cast, distilling.experiment.training, distilling.resources
    student = copy.deepcopy(cast.student)
    batch = _fixed(distilling)
    taught = any(method.needs.teacher != "none" for method in cast.methods.values())
    run = forward(student, cast.teacher if taught else None, resources, len(batch.x))
    updates = optimizer([student, *cast.methods.values()], training)
    weights = distilling.stack.weights(training.epochs)

    def step() -> None:
        with resources.autocast():
            own = View(run.student(batch.x).float())
            with torch.no_grad():
                other = None if run.teacher is None else View(run.teacher(batch.x).float())
        losses = distilling.stack.losses(batch, own, other)
        total = sum((weights[name] * value for name, value in losses.items()), torch.zeros((), device=batch.x.device))
        if batch.y is not None:
            total = total + cast.ce_weight * functional.cross_entropy(own.logits, batch.y)
        total.backward()
        updates.step()
        updates.zero_grad(set_to_none=True)

    def epoch() -> None:
        for _ in range(distilling.loop.per_epoch):
            step()

    return epoch


def _fixed(distilling: Distilling) -> Batch:
    train = distilling.pictures.train
    index = torch.arange(min(distilling.loop.batch_size, len(train)), device=train.device)
    x: Tensor = to_unit(train.take(index))
    return Batch(x, None if train.labels is None else train.labels[index], index, distilling.experiment.training.epochs, 0)
