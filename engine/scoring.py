"""The accuracy of a checkpoint on a dataset, outside any run."""

from __future__ import annotations

from pathlib import Path

import torch

from engine import data, nets
from engine.cards import catalogue
from engine.data import Pictures, Sides
from engine.evaluation import Score, evaluate
from engine.experiment import DatasetSettings
from engine.export import student
from engine.knobs import did_you_mean
from engine.nets.net import Net
from engine.nets.weights import load_weights


class ScoringError(ValueError):
    """A checkpoint and a dataset that do not go together; the sentence says why."""


def of_file(file: Path, net: str, dataset: str, root: str, split: str) -> Score:
    """Score a student file, or plain weights of the named net, on the test or training images of a dataset."""
    if split not in ("test", "train"):
        raise ScoringError(f"there is no split {split!r}; choose test or train")
    if not file.is_file():
        raise ScoringError(f"{file} is not a file")
    _check_names(net, dataset)
    known = None if net else student.load(file)
    pictures = _pictures(dataset, root, _sides(known, net))
    model = known or _filled(file, net, pictures)
    if model.frame.classes != len(pictures.class_names):
        raise ScoringError(
            f"{file} tells {model.frame.classes} classes apart, {dataset} has {len(pictures.class_names)}; "
            "choose the dataset it was trained on"
        )
    _same_classes(file, pictures, dataset)
    chosen = pictures.test if split == "test" else pictures.train
    if chosen is None:
        raise ScoringError(f"{dataset} has no {split} images")
    return evaluate(model, chosen)


def _same_classes(file: Path, pictures: Pictures, dataset: str) -> None:
    """A student knows the names of its classes; another dataset with as many is still another dataset."""
    if file.suffix != ".safetensors":
        return
    try:
        names = student.describe(file)["about"]["classes"]
    except student.StudentError:  # plain weights name no classes
        return
    if list(names) != list(pictures.class_names):
        first = next((a, b) for a, b in zip(names, pictures.class_names) if a != b)
        raise ScoringError(
            f"{file} was trained on other classes than {dataset}'s: its class {first[0]!r} stands where {first[1]!r} does; "
            "choose the dataset it was trained on"
        )


def _check_names(net: str, dataset: str) -> None:
    for kind, name, names in (("net", net, catalogue().nets), ("dataset", dataset, catalogue().datasets)):
        if name and name not in names:
            raise ScoringError(f"there is no {kind} {name!r}{did_you_mean(name, names)}")


def _sides(model: Net | None, net: str) -> Sides:
    if model is None:
        return Sides.of([catalogue().nets[net]])
    return Sides(smallest=model.frame.size, exact=model.frame.size, because=f"the student takes {model.frame.size} pixels")


def _pictures(dataset: str, root: str, sides: Sides) -> Pictures:
    settings = DatasetSettings(name=dataset, root=root, holdout=0.0)
    return data.load(settings, sides, torch.device("cpu"))


def _filled(file: Path, net: str, pictures: Pictures) -> Net:
    made = nets.build(
        net,
        classes=len(pictures.class_names),
        channels=pictures.shape[0],
        size=pictures.shape[1],
        mean=pictures.mean,
        std=pictures.std,
    )
    load_weights(made, file)
    return made
