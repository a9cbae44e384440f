"""Nets from somewhere: a file, an earlier run, a published checkpoint, torchvision. Each keeps its own normalisation and is
brought into the dataset's order of classes, and what is recorded of it comes with it."""

from __future__ import annotations

from pathlib import Path

import torch

from engine import nets
from engine.data import Pictures
from engine.nets.net import Net
from engine.sources import fitting, origins
from engine.sources.origins import downloads, fingerprint
from engine.sources.record import Brought, Errand, Record, Settings, SourceError

__all__ = ["Brought", "Errand", "Record", "Settings", "SourceError", "bring", "downloads", "fingerprint", "fresh"]


def fresh(key: str, pictures: Pictures, generator: torch.Generator | None) -> Net:
    """A net for these pictures with fresh weights and the dataset's normalisation."""
    return nets.build(
        key, classes=len(pictures.class_names), channels=pictures.shape[0], size=pictures.shape[1], mean=pictures.mean,
        std=pictures.std, generator=generator,
    )  # fmt: skip


def bring(settings: Settings, pictures: Pictures, errand: Errand) -> Brought:
    """The net that settings with a source of weights name, fit for the pictures. Raises SourceError, NetError, StudentError
    and DownloadError, each a sentence."""
    match settings.source:
        case "file":
            net, record, notes = origins.of_file(Path(settings.file).expanduser(), settings.net, pictures)
        case "run":
            net, record, notes = origins.of_run(settings, errand)
        case "download":
            net, record, notes = origins.of_publisher(settings, pictures, errand)
        case "pretrained":
            net, record, notes = origins.of_torchvision(settings, pictures, errand)
        case _:
            raise ValueError(f"{settings.source} brings no weights")
    fitting.check_images(net, pictures, errand)
    notes += fitting.normalised(net, settings.normalisation, record, pictures, errand)
    return fitting.ordered(net, record, settings, pictures, errand, notes)
