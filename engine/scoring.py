"""The accuracy of a checkpoint on a dataset, outside any run."""

from __future__ import annotations

from pathlib import Path

import torch

from engine import cataloguing, data, runs
from engine.data import Pictures, Sides
from engine.evaluation import Score, evaluate
from engine.experiment import DatasetSettings, NetSettings
from engine.export import header
from engine.extras import catalogue
from engine.knobs import did_you_mean
from engine.normalization import CHOICES
from engine.sources import Errand, bring


class ScoringError(ValueError):
    """A checkpoint and a dataset that do not go together; the sentence says why."""


def of_file(file: Path, net: str, dataset: str, root: str, split: str, normalization: str = "auto") -> tuple[Score, list[str]]:
    """The score of a student file, or of plain weights of the named net, on the test or training images of a dataset, and
    notes on how it was read. Raises ScoringError, and the errors of `data.load` and `sources.bring`."""
    if split not in ("test", "train"):
        raise ScoringError(f"there is no split {split!r}; choose test or train")
    if normalization not in CHOICES:
        raise ScoringError(f"there is no normalization {normalization!r}; choose {', '.join(CHOICES)}")
    if not file.is_file():
        raise ScoringError(f"{file} is not a file")
    _check_names(net, dataset)
    frame = header.describe(file)["net"] if not net or _is_student(file) else None
    pictures = _pictures(dataset, root, _sides(frame, net))
    settings = NetSettings(
        net=net or str(frame["key"]) if frame else net, source="file", file=str(file), normalization=normalization
    )
    try:
        found = bring(settings, pictures, Errand("net", runs.home()))
        chosen = pictures.test if split == "test" else pictures.train
        if chosen is None or chosen.labels is None:
            raise ScoringError(f"{dataset} has no labelled {split} images")
        return evaluate(found.net, chosen), list(found.notes)
    finally:
        pictures.close()


def _is_student(file: Path) -> bool:
    return file.suffix == ".safetensors" and header.is_student(file)


def _check_names(net: str, dataset: str) -> None:
    cataloguing.complete([net] if net else [])
    if dataset not in catalogue().datasets:
        raise ScoringError(f"there is no dataset {dataset!r}{did_you_mean(dataset, catalogue().datasets)}")


def _sides(frame: dict[str, object] | None, net: str) -> Sides:
    if frame is None:
        return Sides.of([catalogue().nets[net]])
    size = int(str(frame["size"]))
    return Sides(smallest=size, exact=size, because=f"the student takes {size} pixels")


def _pictures(dataset: str, root: str, sides: Sides) -> Pictures:
    settings = DatasetSettings(name=dataset, root=root, holdout=0.0)
    return data.load(settings, sides, torch.device("cpu"))
