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
    Watch("samples", "images", "Sixteen fixed images with label, teacher's and student's top classes.", title="samples"),
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


def _shown(watch: Watch, experiment: Experiment, methods: Mapping[str, Method]) -> bool:
    taught = experiment.teacher.net != "none" or any(m.teaches() for m in methods.values())
    return taught or watch.name != "soft_labels_teacher"


def _watch(watch: Watch, name: str, key: str = "") -> dict[str, Any]:
    return {
        "name": name, "kind": watch.kind, "title": watch.title or watch.name.replace("_", " "), "every": watch.every,
        "unit": watch.unit, "help": watch.help, "stage": f"{key}.{watch.stage}" if watch.stage else "distilling",
    }  # fmt: skip
