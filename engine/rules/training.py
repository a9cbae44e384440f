"""Rules on the training and the run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.presets import Problem
from engine.rules.case import Case

_DEVICE = re.compile(r"^(?:auto|cpu|mps|cuda(?::\d+)?)$")


def _schedule(case: Case) -> Iterator[Problem]:
    training = case.experiment.training
    falling = [b for a, b in zip(training.milestones, training.milestones[1:]) if b <= a]
    if training.schedule == "multistep" and falling:
        yield Problem("training.milestones", f"epochs must rise, and {falling[0]} does not; put them in order")
    if training.optimizer == "sgd" and training.nesterov and training.momentum == 0:
        yield Problem("training.nesterov", "Nesterov's look-ahead needs a momentum above 0")


def _selection(case: Case) -> Iterator[Problem]:
    if case.experiment.run.selection == "held-out" and case.experiment.dataset.holdout == 0:
        sentence = "no images are held out (dataset.holdout is 0); hold some out, or choose by `test` or `last`"
        yield Problem("run.selection", sentence)


def _device(case: Case) -> Iterator[Problem]:
    device = case.experiment.run.device
    if not _DEVICE.match(device):
        yield Problem("run.device", f"{device!r} is no device; write auto, cpu, cuda or cuda:1")


RULES = (_schedule, _selection, _device)
