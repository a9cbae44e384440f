"""One step of nets like a run's, on random images, to be timed before the run begins; its own nets are left alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from engine import teachers
from engine.compiling import compiled
from engine.data import Pictures
from engine.experiment import Experiment
from engine.folding import folded
from engine.loop import steps_per_epoch
from engine.nets.net import Net
from engine.optim import optimizer
from engine.quantize.wrapping import quantize
from engine.resources import Resources
from engine.tuning import Work

LARGEST = 256
"""Images of a rehearsed step at most."""


def work(experiment: Experiment, pictures: Pictures) -> Work:
    """What a run is to do: its nets and batches, under a name, and how many steps there will be."""
    nets = f"{experiment.student.net} {experiment.teacher.net}"
    bits = experiment.student.quantize.words()
    training, shape = experiment.training, "x".join(str(s) for s in pictures.shape)
    return Work(
        kind=f"{nets} {shape} {training.batch_size} {training.optimizer} {bits}".strip(),
        step=lambda precision, compile: _step(experiment, pictures, precision, compile),
        steps=training.epochs * steps_per_epoch(len(pictures.train), training.batch_size),
    )


def _step(experiment: Experiment, pictures: Pictures, precision: str, compile: bool) -> Callable[[], None]:
    device = pictures.train.device
    resources = Resources(str(device), precision, compile, torch.get_num_threads())
    student = teachers.fresh(experiment.student.net, pictures, None)
    if experiment.student.quantize.wanted:
        quantize(student, experiment.student.quantize)
    resources.place(student)
    updates = optimizer([student], experiment.training)
    x = torch.rand(min(experiment.training.batch_size, LARGEST), *pictures.shape, device=device)
    y = torch.zeros(len(x), dtype=torch.long, device=device)
    learn, teach = _forward(student, resources, len(x)), None
    if experiment.teacher.net != "none":
        teacher = folded(teachers.fresh(experiment.teacher.net, pictures, None), resources.dtype)
        teach = _forward(resources.place(teacher), resources, len(x))

    def step() -> None:
        with resources.autocast():
            if teach is not None:
                with torch.no_grad():
                    teach(x)
            logits = learn(x)
        updates.zero_grad(set_to_none=True)
        functional.cross_entropy(logits.float(), y).backward()
        updates.step()

    return step


def _forward(net: Net, resources: Resources, size: int) -> Callable[[Tensor], Tensor]:
    return compiled(net, {size}) if resources.compile else net
