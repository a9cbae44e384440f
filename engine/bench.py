"""Measurements: both sides of every ratio come from one run of the command. `kdstudio bench NAME`."""

from __future__ import annotations

import copy
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine import session
from engine.attempt import Attempt
from engine.control import Control
from engine.data.pixels import to_unit
from engine.distilling import Distilling
from engine.events import Event, RunEnded
from engine.loop import Batch
from engine.optim import optimizer
from engine.presets import Resolved
from engine.runs import RunFolder

ROUNDS = 9
OF_BARE, SECONDS, TOP1 = 0.95, 60, 97
"""What is asked: the engine's speed of the bare step's; the default experiment's seconds and accuracy in percent."""


def step(resolved: Resolved) -> Iterator[str]:
    """The engine's step against the bare one: same nets, losses, precision and threads on one fixed batch."""
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder.create(Path(folder), resolved, "bench")
        attempt = Attempt(resolved, run, lambda event: None, Control(), Path(folder))
        distilling = attempt.assembled()
        distilling.cast.student.train()
        bare = _bare(distilling)
        ours = _engine(attempt, distilling)
        pairs = [(_timed(ours), _timed(bare)) for _ in range(ROUNDS + 1)][1:]
    images = min(distilling.loop.batch_size * distilling.loop.per_epoch, len(distilling.pictures.train))
    ratio = statistics.median(b / a for a, b in pairs)
    yield f"{resolved.experiment.title}: {distilling.resources}"
    yield f"engine  {images / statistics.median(a for a, _ in pairs):10.0f} images/s  (median of {ROUNDS} epochs)"
    yield f"bare    {images / statistics.median(b for _, b in pairs):10.0f} images/s"
    yield f"engine / bare  {ratio:.3f}  (median of the ratios of {ROUNDS} interleaved pairs, asked: {OF_BARE:g})"


def _timed(work: Callable[[], None]) -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _engine(attempt: Attempt, distilling: Distilling) -> Callable[[], None]:
    """One epoch through the engine: order, augmentation, every term, accumulation, reports to disk; no evaluation."""
    loop, hand = distilling.loop, attempt.hand

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


def _bare(distilling: Distilling) -> Callable[[], None]:
    """As many steps by hand: forward of both nets, the methods' losses and cross-entropy, backward, update."""
    student = copy.deepcopy(distilling.cast.student)
    updates = optimizer([student, *distilling.cast.methods.values()], distilling.experiment.training)
    batch = _fixed(distilling)
    weights = distilling.stack.weights(distilling.experiment.training.epochs)

    def epoch() -> None:
        for _ in range(distilling.loop.per_epoch):
            _bare_step(distilling, student, updates, batch, weights)

    return epoch


def _bare_step(
    distilling: Distilling, student: nn.Module, updates: torch.optim.Optimizer, batch: Batch, weights: Mapping[str, float]
) -> None:
    from engine.method import View

    cast = distilling.cast
    with distilling.resources.autocast():
        logits = student(batch.x).float()
        teacher = None
        if cast.teacher is not None:
            with torch.no_grad():
                teacher = View(cast.teacher(batch.x).float())
    losses = distilling.stack.losses(batch, View(logits), teacher)
    total = sum((weights[name] * value for name, value in losses.items()), torch.zeros(()))
    if batch.y is not None:
        total = total + cast.ce_weight * functional.cross_entropy(logits, batch.y)
    total.backward()
    updates.step()
    updates.zero_grad(set_to_none=True)


def _fixed(distilling: Distilling) -> Batch:
    train = distilling.pictures.train
    index = torch.arange(min(distilling.loop.batch_size, len(train)), device=train.device)
    x: Tensor = to_unit(train.take(index))
    return Batch(x, None if train.labels is None else train.labels[index], index, distilling.experiment.training.epochs, 0)


def run(resolved: Resolved) -> Iterator[str]:
    """The whole experiment, alone and beside a process that keeps one core busy."""
    for title, beside in (("alone", False), ("beside a busy process", True)):
        busy = multiprocessing.get_context("spawn").Process(target=_spin, daemon=True) if beside else None
        if busy:
            busy.start()
        try:
            seconds, results = _whole(resolved)
        finally:
            if busy:
                busy.terminate()
                busy.join()
        top1 = results.get("top1", float("nan"))
        yield f"{title:22} {seconds:6.1f} s   top-1 {top1:.2f} %   (asked: {SECONDS} s, {TOP1} %)"


def _whole(resolved: Resolved) -> tuple[float, dict[str, float]]:
    ended: list[RunEnded] = []

    def keep(event: Event) -> None:
        if isinstance(event, RunEnded):
            ended.append(event)

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        session.run(resolved, keep, Control(), home=Path(folder))
        return time.perf_counter() - start, ended[-1].results


def _spin() -> None:
    """Keep one core busy until terminated."""
    while True:
        pass


ALL: Mapping[str, Callable[[Resolved], Iterator[str]]] = {"step": step, "run": run}
