"""Configs of mdistiller (github.com/megvii-research/mdistiller) as presets: what each key means here.

The defaults, the nets, the teachers and the recipes of the datasets are those of that project (commit a08d46f). Projects that
took its format over add keys of their own; of these `EXPERIMENT.LOGIT_STAND` (sunshangquan/logit-standardization-KD) is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import presets, published
from engine.cards import Catalogue
from engine.experiment import SCHEMA
from engine.importing import mdistiller_keys as keys
from engine.importing.found import Imported, Left
from engine.presets import PresetError
from engine.presets.dialect import Document

KEYS = frozenset({"DISTILLER", "SOLVER"})
"""A file with one of these at the top is such a config."""


@dataclass
class Reading:
    """One file on its way: what it says by dotted key, what of that was used, and what came of it."""

    document: Document
    given: Mapping[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    by: dict[str, str] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    aside: list[Left] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def value(self, key: str) -> Any:
        """What the file says of a key, else that project's default."""
        return self.given.get(key, keys.DEFAULTS.get(key))

    def put(self, path: str, value: Any, key: str) -> None:
        """Decide a setting of the preset, because of a key."""
        self.values[path], self.by[path] = value, key

    def leave(self, key: str, sentence: str, *, aside: bool = False) -> None:
        """Say that a key did not come along."""
        position = self.document.values.get(key)
        found = Left(key, self.value(key), sentence, position.line if position else 0)
        (self.aside if aside else self.left).append(found)


def convert(document: Document, path: Path, catalogue: Catalogue) -> Imported:
    """The preset of a config, with every key accounted for."""
    reading = Reading(document, dict(_flat(document.tree)))
    _data(reading)
    method = _method(reading, catalogue)
    _nets(reading, method, path, catalogue)
    _training(reading)
    _rest(reading, method)
    reading.values["title"] = _title(reading)
    tree = _checked(reading, catalogue)
    tree["notes"] = _notes(reading, path)
    return Imported(tree, path.name, tuple(reading.left), tuple(reading.aside), tuple(reading.notes))


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _data(reading: Reading) -> None:
    """The dataset with the augmentation that its loader has there; every training image is used, the test images choose."""
    named = reading.value("DATASET.TYPE")
    recipe = keys.DATASETS.get(named)
    if recipe is None:
        reading.leave("DATASET.TYPE", f"there is no such dataset here; the preset has {keys.DEFAULTS['DATASET.TYPE']}")
        recipe = keys.DATASETS[keys.DEFAULTS["DATASET.TYPE"]]
    for name, value in recipe.items():
        reading.put(f"dataset.{name}", value, "DATASET.TYPE")
    reading.put("dataset.holdout", 0.0, "DATASET.TYPE")
    reading.put("run.selection", "test", "DATASET.TYPE")
    if recipe["name"] == "folder":
        reading.notes.append("Choose the folder of ImageNet's images (dataset.root).")


def _method(reading: Reading, catalogue: Catalogue) -> str:
    """The section of the file that counts, and its settings."""
    kind = str(reading.value("DISTILLER.TYPE"))
    if kind == "NONE":
        return ""
    settings = keys.METHODS.get(kind)
    key = settings.key if settings else kind.lower()
    if key not in catalogue.methods:
        reading.leave("DISTILLER.TYPE", "there is no such method here; the preset trains with the labels alone")
        return kind
    if reading.value("EXPERIMENT.LOGIT_STAND") is True:
        reading.put("methods.logit_standardization", {}, "EXPERIMENT.LOGIT_STAND")
    reading.put(f"methods.{key}", {}, "DISTILLER.TYPE")
    if settings is None:
        reading.notes.append(f"The method is your own {key}; its settings are to be looked at.")
        return kind
    for name, setting in settings.settings.items():
        reading.put(f"methods.{key}.{setting}", reading.value(f"{kind}.{name}"), f"{kind}.{name}")
    for sentence in settings.special(reading.value, reading.put, reading.leave) if settings.special else ():
        reading.notes.append(sentence)
    return kind


def _nets(reading: Reading, method: str, path: Path, catalogue: Catalogue) -> None:
    dataset = str(reading.values["dataset.name"])
    names = keys.IMAGENET_NETS if dataset == "folder" else keys.CIFAR_NETS
    for who in ("student", "teacher"):
        key = f"DISTILLER.{who.upper()}"
        named = str(reading.value(key))
        if who == "teacher" and not method:
            reading.put("teacher.net", "none", key)
            if key in reading.given:
                reading.leave(key, "nothing is distilled, so no teacher is needed", aside=True)
        elif named not in names:
            reading.leave(key, "there is no such net here; choose one" if who == "student" else "there is no such net here")
        else:
            reading.put(f"{who}.net", names[named], key)
    if method and "teacher.net" in reading.values:
        _teacher(reading, dataset, str(reading.value("DISTILLER.TEACHER")), path)
    if dataset == "tiny-imagenet" and reading.value("DISTILLER.STUDENT") == "MobileNetV2":
        reading.notes.append("mdistiller has a MobileNetV2 of its own for Tiny-ImageNet; this is the one for CIFAR.")


def _teacher(reading: Reading, dataset: str, named: str, path: Path) -> None:
    """Where the teacher comes from: torchvision, the project's own checkpoint where it lies near, else a published one."""
    key, net = "DISTILLER.TEACHER", reading.values["teacher.net"]
    if dataset == "folder":
        reading.put("teacher.source", "pretrained", key)
        return
    within = keys.CHECKPOINTS[dataset].format(net=named)
    beside = next((folder / within for folder in path.absolute().parents if (folder / within).is_file()), None)
    entry = published.chosen(published.AUTO, net, dataset)
    if beside is not None:
        reading.put("teacher.source", "file", key)
        reading.put("teacher.file", str(beside), key)
        reading.put("teacher.normalization", keys.NORMALIZATIONS[dataset], key)
    elif entry is not None:
        reading.put("teacher.source", "download", key)
        reading.notes.append(
            f"The teacher is {entry.name} ({entry.facts()}), for mdistiller's own checkpoint {within} lies nowhere near the "
            "file. Its figures are of that one."
        )
    else:
        reading.put("teacher.source", "file", key)
        reading.put("teacher.normalization", keys.NORMALIZATIONS[dataset], key)
        reading.notes.append(f"Choose the teacher's checkpoint (teacher.file): mdistiller keeps it in {within}.")


def _training(reading: Reading) -> None:
    for key, name in keys.TRAINING.items():
        reading.put(f"training.{name}", reading.value(key), key)
    reading.put("training.schedule", "multistep", "SOLVER.LR_DECAY_STAGES")
    optimizer = keys.OPTIMIZERS.get(str(reading.value("SOLVER.TYPE")))
    if optimizer is None:
        reading.leave("SOLVER.TYPE", "mdistiller itself knows SGD only; the preset has SGD")
    reading.put("training.optimizer", optimizer or "sgd", "SOLVER.TYPE")
    trainer = str(reading.value("SOLVER.TRAINER"))
    if trainer not in keys.TRAINERS:
        reading.leave("SOLVER.TRAINER", "there is no such trainer here; the preset trains as usual")


def _rest(reading: Reading, method: str) -> None:
    """Every key that nothing was made of."""
    handled = {*reading.by.values(), *(found.key for found in (*reading.left, *reading.aside)), *keys.TOLD}
    for key in reading.given:
        section = key.partition(".")[0]
        if key in handled:
            continue
        if key in keys.ASIDE:
            reading.leave(key, keys.ASIDE[key], aside=True)
        elif section in keys.SECTIONS and section != method:
            reading.leave(key, f"belongs to {section}, which this config does not use", aside=True)
        else:
            reading.leave(key, "not known")


def _title(reading: Reading) -> str:
    kind = str(reading.value("DISTILLER.TYPE"))
    words = "Labels alone" if kind == "NONE" else kind
    nets = f" from {reading.value('DISTILLER.TEACHER')}" if kind != "NONE" else ""
    return f"{words}{nets} to {reading.value('DISTILLER.STUDENT')} on {reading.value('DATASET.TYPE')} (mdistiller)"


def _checked(reading: Reading, catalogue: Catalogue) -> dict[str, Any]:
    """The tree of what was decided, without values that cannot stand in a preset."""
    while True:
        tree = _tree(reading.values)
        try:
            presets.from_tree(tree, reading.document.file, catalogue=catalogue)
            return tree
        except PresetError as error:
            wrong = {p.path: p.sentence for p in error.problems if p.path in reading.values}
            if not wrong:
                raise
            for path, sentence in wrong.items():
                del reading.values[path]
                reading.leave(reading.by[path], f"{sentence}; the preset has kdstudio's own value")


def _tree(values: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {"kdstudio": SCHEMA, "title": values.get("title", ""), "notes": "", "methods": {}}
    for path, value in values.items():
        *above, name = path.split(".")
        inside = tree
        for part in above:
            inside = inside.setdefault(part, {})
        inside[name] = dict(value) if isinstance(value, Mapping) else value
    return tree


def _notes(reading: Reading, path: Path) -> str:
    """What the form shows above the experiment."""
    said = [f"From mdistiller's {path.name}.", *reading.notes]
    if reading.left:
        said.append(f"Not understood: {', '.join(found.key for found in reading.left)}.")
    return " ".join(said)
