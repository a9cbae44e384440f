"""Nets from somewhere: a file, an earlier run, a published checkpoint, torchvision. Each keeps its own normalization and is
brought into the dataset's order of classes, and what is recorded of it comes with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from engine import nets, seeds
from engine.data import Pictures
from engine.experiment import BROUGHT, Experiment
from engine.nets.net import Net
from engine.sources import fitting, origins
from engine.sources.origins import downloads, fingerprint
from engine.sources.record import Brought, Errand, Record, Settings, SourceError

__all__ = [
    "Brought", "Errand", "Record", "Settings", "SourceError", "bring", "classes_of", "downloads", "fingerprint", "fresh",
    "starting",
]  # fmt: skip


def fresh(key: str, pictures: Pictures, generator: torch.Generator | None) -> Net:
    """A net for these pictures with fresh weights and the dataset's normalization."""
    return nets.build(
        key, classes=len(pictures.class_names), channels=pictures.shape[0], size=pictures.shape[1], mean=pictures.mean,
        std=pictures.std, generator=generator,
    )  # fmt: skip


def bring(settings: Settings, pictures: Pictures, errand: Errand) -> Brought:
    """The net that settings with a source of weights name, fit for the pictures. Raises SourceError, NetError, StudentError
    and DownloadError, each a sentence."""
    net, record, notes = _found(settings, pictures, errand)
    fitting.check_images(net, pictures, errand)
    notes += fitting.normalized(net, settings.normalization, record, pictures, errand)
    return fitting.ordered(net, record, settings, pictures, errand, notes)


def starting(experiment: Experiment, pictures: Pictures, errand: Errand, say: Callable[[str], None]) -> Net:
    """The student before its first step, wherever it starts from; `say` takes notes. Raises as `bring`."""
    settings = experiment.student
    if settings.source not in BROUGHT:
        return fresh(settings.net, pictures, seeds.generator(experiment.run.seed, "student"))
    found = bring(settings, pictures, errand)
    for note in found.notes:
        say(note)
    return found.net


def classes_of(settings: Settings, pictures: Pictures, errand: Errand) -> tuple[str, ...]:
    """The names of a teacher's classes in the order of its outputs, numbers where nobody named them: what images without
    classes of their own take from it. Raises as `bring`, and SourceError for a source that knows no classes yet."""
    if settings.source not in BROUGHT:
        sentence = f"{settings.source} knows no classes, and the images have none of their own; choose a trained teacher"
        raise errand.refuse("source", sentence)
    net, record, _ = _found(settings, pictures, errand)
    names = record.classes or tuple(str(n) for n in range(net.frame.classes))
    return tuple(names[n] for n in settings.class_order) or names


def _found(settings: Settings, pictures: Pictures, errand: Errand) -> origins.Found:
    match settings.source:
        case "file":
            return origins.of_file(Path(settings.file).expanduser(), settings.net, pictures)
        case "run":
            return origins.of_run(settings, errand)
        case "download":
            return origins.of_publisher(settings, pictures, errand)
        case "pretrained":
            return origins.of_torchvision(settings, pictures, errand)
    raise ValueError(f"{settings.source} brings no weights")
