"""What a run announces before it starts: its stages, terms and watches, so that a screen can be laid out from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.cards import Watch
from engine.experiment import Experiment
from engine.method import Method
from engine.pairing import Match
from engine.quantize.declared import NAME, watches

PROBES: tuple[Watch, ...] = (
    Watch("soft_labels_teacher", "matrix", "Mean soft label of whoever teaches, per class (rows: true class).",
          title="soft labels · teacher"),
    Watch("soft_labels_student", "matrix", "Mean soft label of the student, per class (rows: true class).",
          title="soft labels · student"),
    Watch("confusion", "matrix", "Row: the true class. Column: the share of its test images that the student puts there; of "
          "held-out images where none are for testing.", title="confusion · student"),
    Watch("confusion_teacher", "matrix", "Row: the true class. Column: the share of its images that the teacher puts there.",
          title="confusion · teacher", every="stage"),
    Watch("agreement_matrix", "matrix", "Row: the class that whoever teaches names. Column: the share of those images for "
          "which the student names that class; of the probe's images.", title="agreement · student against teacher"),
    Watch("class_accuracy", "distribution", "Top-1 of the student among the test images of each class, or the held-out ones.",
          title="accuracy per class", unit="%"),
    Watch("class_accuracy_teacher", "distribution", "The same of the teacher.", title="accuracy per class · teacher", unit="%",
          every="stage"),
    Watch("samples", "images", "Images of the probe sample with their labels.", title="samples", every="stage"),
    Watch("outputs", "outputs", "What student and teacher say of the samples.", title="outputs"),
    Watch("affinity_student", "affinity", "How alike the student finds the places of an image, at each stage.",
          title="affinity · student"),
    Watch("affinity_teacher", "affinity", "How alike the teacher finds them.", title="affinity · teacher", every="stage"),
)  # fmt: skip
"""Watches of the session itself, in every run."""


def titles(experiment: Experiment, methods: Mapping[str, Method]) -> dict[str, str]:
    """Every stage of a run in its order: name -> title."""
    found = {"data": "data"}
    if experiment.teacher.net != "none":
        found |= {name: name for name in experiment.teacher.stages()}
    found |= {f"{key}.{s.name}": s.title for key, m in methods.items() for s in m.active_stages()}
    return {**found, "distilling": "distilling", "evaluation": "evaluation"}


def announce(
    experiment: Experiment, methods: Mapping[str, Method], ce_weight: float, compared: Mapping[str, Iterable[Match]]
) -> dict[str, Any]:
    """The `plan` of RunStarted; `compared` is what each method compares of the two nets."""
    return {
        "stages": [{"name": name, "title": title} for name, title in titles(experiment, methods).items()],
        "terms": [*_labels(experiment, ce_weight), *_terms(experiment, methods)],
        "watches": [_watch(w, w.name) for w in PROBES if _shown(w, experiment, methods)]
        + [_watch(w, f"{k}.{w.name}", k) for k, m in methods.items() for w in m.active_watches()]
        + [_watch(w, f"{NAME}.{w.name}") for w in watches(experiment.student.quantize)],
        "epochs": experiment.training.epochs,
        "dataset": experiment.dataset.name,
        "teacher": experiment.teacher.net,
        "student": experiment.student.net,
        "parent": _parent(experiment),
        "quantization": experiment.student.quantize.words(),
        "methods": list(methods),
        "pairs": [_pair(key, match) for key, found in compared.items() for match in found],
        "expected": experiment.expected.model_dump() if experiment.expected else None,
    }


def _parent(experiment: Experiment) -> dict[str, str]:
    """The run whose student this one starts from, and which state of it; empty for a fresh one."""
    student = experiment.student
    return {"run": Path(student.run).name, "checkpoint": student.checkpoint} if student.source == "run" else {}


def _pair(key: str, match: Match) -> dict[str, Any]:
    """Two taps that a method compares: their shapes, which map is averaged, the adapter and its parameters, which are only
    for training."""
    return {"method": key, **asdict(match), "spatial": match.spatial, "how": match.how()}


def _labels(experiment: Experiment, ce_weight: float) -> list[dict[str, Any]]:
    if not experiment.dataset.labels:
        return []
    return [{"name": "ce", "title": "labels", "weight": ce_weight, "scale": "linear", "help": "Cross-entropy with the labels."}]


def _terms(experiment: Experiment, methods: Mapping[str, Method]) -> list[dict[str, Any]]:
    last = experiment.training.epochs
    return [
        {"name": f"{k}.{t.name}", "title": t.title or t.name, "weight": m.weight(t, last), "scale": t.scale, "help": t.help}
        for k, m in methods.items()
        for t in m.active_terms()
    ]


_OF_TEACHING, _OF_NET, _OF_LABELS = (
    {"soft_labels_teacher", "agreement_matrix"},
    {"affinity_student", "affinity_teacher", "confusion_teacher", "class_accuracy_teacher"},
    {"confusion", "confusion_teacher", "class_accuracy", "class_accuracy_teacher"},
)


def _shown(watch: Watch, experiment: Experiment, methods: Mapping[str, Method]) -> bool:
    """Whether a run has what a watch of the session shows: somebody who teaches, a teacher net, labels to be right about."""
    net = experiment.teacher.net != "none"
    taught = net or any(m.teaches() for m in methods.values())
    labelled = experiment.dataset.name != "unlabelled" or bool(experiment.dataset.test_root)
    has = ((_OF_TEACHING, taught), (_OF_NET, net), (_OF_LABELS, labelled))
    return all(there for names, there in has if watch.name in names)


def _watch(watch: Watch, name: str, key: str = "") -> dict[str, Any]:
    return {
        "name": name, "kind": watch.kind, "title": watch.title or watch.name.replace("_", " "), "every": watch.every,
        "unit": watch.unit, "help": watch.help, "stage": f"{key}.{watch.stage}" if watch.stage else "distilling",
    }  # fmt: skip
