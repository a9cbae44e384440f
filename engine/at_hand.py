"""The teacher of a run that is over, from the files that are there: nothing is trained and nothing is fetched for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from engine import pretrained, published
from engine.data import Pictures
from engine.data.split import Resident
from engine.experiment import Experiment, TeacherSettings
from engine.export import header, student
from engine.nets.net import Frame, Net
from engine.runs import RunFolder
from engine.sources import Errand, SourceError, bring, downloads

LIBRARY = "teachers"
"""The folder beside the runs in which trained teachers are kept."""


def teacher_of(folder: RunFolder) -> tuple[Net, str]:
    """The frozen teacher of a finished run with its outputs in the order of the student's classes, and what it is called.

    Raises SourceError, with a sentence for whoever asked, where the run had none or its file is not at hand.
    """
    experiment = folder.experiment().experiment
    settings = experiment.teacher
    if settings.net == "none":
        raise SourceError("the run had no teacher net")
    kept = _kept(folder)
    if kept is not None:
        return student.frozen(student.load(kept)), settings.net  # type: ignore[return-value]
    _check_there(settings, experiment.dataset.name)
    found = bring(settings, _likenesses(experiment, folder.path), Errand("teacher", folder.path.parent))
    if found.strange:
        raise SourceError(f"the last layer of {found.record.name} knows nothing of these classes")
    return student.frozen(found.net), f"{settings.net}, {found.record.name}"  # type: ignore[return-value]


def _kept(folder: RunFolder) -> Path | None:
    """The file in the library of teachers that the run trained or took; None where its teacher is none of these."""
    name = folder.results().get("teacher_file")
    if not name:
        return None
    path = folder.path.parent / LIBRARY / Path(name).name
    if not path.is_file():
        raise SourceError(f"{path} is no longer there")
    return path


def _check_there(settings: TeacherSettings, dataset: str) -> None:
    """Raises SourceError for a teacher that would have to be made or fetched."""
    match settings.source:
        case "scratch":
            raise SourceError("the teacher was untrained, and is kept nowhere")
        case "train":
            raise SourceError("the run does not say which file of the library its teacher is")
        case "download":
            entry = published.chosen(settings.download, settings.net, dataset)
            file = entry.file if entry is not None else ""
        case "pretrained":
            file = pretrained.weights(settings.net).file
        case _:
            return
    if not (file and (downloads() / file).is_file()):
        raise SourceError(f"its published weights are not in {downloads()}")


def _likenesses(experiment: Experiment, path: Path) -> Pictures:
    """What is known of a run's images without loading them: shape, classes and normalization, from its student."""
    said = header.describe(path / "student.safetensors")
    frame, about = Frame(**_of_frame(said["net"])), said["about"]
    shape = (frame.channels, frame.size, frame.size)
    nothing = Resident(torch.zeros((0, *shape), dtype=torch.uint8), None)
    return Pictures(
        train=nothing, heldout=None, test=None, class_names=tuple(about["classes"]),
        mean=tuple(about.get("mean", frame.mean)), std=tuple(about.get("std", frame.std)), shape=shape, notes=(),
        settings=experiment.dataset,
    )  # fmt: skip


def _of_frame(net: Mapping[str, Any]) -> dict[str, Any]:
    """The frame within what a student file says of its net."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in net.items() if name in Frame.__dataclass_fields__}
