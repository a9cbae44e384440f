"""Rules that no single setting can break: an experiment as a whole that cannot run, or runs otherwise than expected.

The window asks while typing, the session before it starts. `problems` are reasons to refuse, `warnings` are not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine import cards
from engine.cards import Catalogue, MethodCard, NetCard, Term
from engine.experiment import SECTIONS, Experiment, section_specs
from engine.knobs import holds
from engine.presets import Problem, method_settings
from engine.presets.schema import unknown_method, unknown_name

__all__ = ["Problem", "ce_weight", "problems", "warnings"]

_DEVICE = re.compile(r"^(?:auto|cpu|mps|cuda(?::\d+)?)$")


@dataclass(frozen=True)
class _Case:
    """An experiment beside the catalogue, and what several rules ask of both."""

    experiment: Experiment
    catalogue: Catalogue
    home: Path | None = None

    @cached_property
    def methods(self) -> dict[str, MethodCard]:
        """The cards of the stack's methods, in order."""
        return {key: self.catalogue.methods[key] for key in self.experiment.methods}

    @cached_property
    def settings(self) -> dict[str, dict[str, Any]]:
        """Every setting of every method of the stack."""
        return {key: method_settings(self.experiment, key, catalogue=self.catalogue) for key in self.methods}

    @cached_property
    def offering(self) -> list[str]:
        """The methods that give logits to the others, under their present settings."""
        return [k for k, card in self.methods.items() if card.offers is not None and holds(card.offers, self.settings[k])]

    @cached_property
    def taking(self) -> list[str]:
        """The methods that want a teacher's logits."""
        return [k for k, card in self.methods.items() if card.needs.teacher == "logits"]

    @property
    def has_teacher(self) -> bool:
        """Whether there is a teacher net."""
        return self.experiment.teacher.net != "none"

    @cached_property
    def nets(self) -> dict[str, NetCard]:
        """The cards of the nets, by the setting that names them."""
        named = {"student.net": self.experiment.student.net, "teacher.net": self.experiment.teacher.net}
        return {path: self.catalogue.nets[key] for path, key in named.items() if key != "none"}

    def terms(self) -> Iterator[tuple[str, Term]]:
        """The active terms of the stack, each with its method."""
        for key, card in self.methods.items():
            yield from ((key, term) for term in card.terms if holds(term.when, self.settings[key]))

    def weight(self, key: str, term: Term) -> float:
        """The full weight of a term."""
        return float(self.settings[key][term.weight] if isinstance(term.weight, str) else term.weight)


def problems(experiment: Experiment, catalogue: Catalogue | None = None, *, home: Path | None = None) -> tuple[Problem, ...]:
    """Why this experiment cannot run; empty where it can. Unknown names are told first, for nothing else can be judged
    without their cards. A teacher named by its run is looked for under `home`; without it only folders are looked at."""
    known = catalogue or cards.catalogue()
    unknown = tuple(_unknown(experiment, known))
    if unknown:
        return unknown
    case = _Case(experiment, known, home)
    return tuple(problem for rule in _RULES for problem in rule(case))


def warnings(experiment: Experiment, catalogue: Catalogue | None = None) -> tuple[Problem, ...]:
    """What will surprise about this experiment although it can run; empty where a name is unknown."""
    known = catalogue or cards.catalogue()
    if any(_unknown(experiment, known)):
        return ()
    case = _Case(experiment, known)
    return tuple(problem for rule in _WARNINGS for problem in rule(case))


def ce_weight(experiment: Experiment, catalogue: Catalogue | None = None) -> float:
    """Weight of the cross-entropy with the labels: what the first method of the stack that sets `ce_weight` says, else
    what the first method proposes; 1 without methods, 0 without labels."""
    if not experiment.dataset.labels:
        return 0.0
    said = [s["ce_weight"] for s in experiment.methods.values() if s.get("ce_weight") is not None]
    if said:
        return float(said[0])
    known = catalogue or cards.catalogue()
    return next((known.methods[key].ce_weight for key in experiment.methods), 1.0)


def _unknown(experiment: Experiment, catalogue: Catalogue) -> Iterator[Problem]:
    named = {
        "dataset.name": experiment.dataset.name,
        "teacher.net": experiment.teacher.net,
        "student.net": experiment.student.net,
    }
    for path, value in named.items():
        sentence = unknown_name(path, value, catalogue)
        if sentence:
            yield Problem(path, sentence)
    for key in experiment.methods:
        sentence = unknown_method(key, catalogue)
        if sentence:
            yield Problem(f"methods.{key}", sentence)


def _source_of_logits(case: _Case) -> Iterator[Problem]:
    for card in case.methods.values():
        if card.needs.teacher == "net" and not case.has_teacher:
            yield Problem("teacher.net", f"{card.title} looks into a teacher net; choose one")
    if case.taking and not case.has_teacher and not case.offering:
        who = _titles(case, case.taking)
        yield Problem(
            "teacher.net", f"{who} learns from a teacher's logits; choose a teacher net, or a method that offers them"
        )


def _one_source_of_logits(case: _Case) -> Iterator[Problem]:
    if case.has_teacher and case.offering:
        who = _titles(case, case.offering)
        sentence = f"both this net and {who} would give the teacher's logits; set it to none, or change {who}"
        yield Problem("teacher.net", sentence)
    if len(case.offering) > 1:
        sentence = f"{_titles(case, case.offering)} would all give the teacher's logits; keep one that does"
        yield Problem(f"methods.{case.offering[1]}", sentence)


def _offer_is_taken(case: _Case) -> Iterator[Problem]:
    if case.offering and not case.taking:
        key = case.offering[0]
        condition = case.methods[key].offers or {}
        path = f"methods.{key}.{next(iter(condition))}" if condition else f"methods.{key}"
        sentence = f"{case.methods[key].title} offers logits here, and no method of the stack takes them; add one, such as DKD"
        yield Problem(path, sentence)


def _without_labels(case: _Case) -> Iterator[Problem]:
    if case.experiment.dataset.labels:
        return
    for card in case.methods.values():
        if card.needs.labels:
            yield Problem("dataset.labels", f"{card.title} needs the labels of the training images")
    if not case.methods:
        yield Problem("dataset.labels", "without labels and without a method there is nothing to learn from; add a method")
    if case.has_teacher and case.experiment.teacher.source == "train":
        sentence = "a teacher cannot be trained without labels; take one from a file or from an earlier run"
        yield Problem("teacher.source", sentence)


def _something_to_learn(case: _Case) -> Iterator[Problem]:
    if not case.methods or ce_weight(case.experiment, case.catalogue) > 0:
        return
    if all(case.weight(key, term) == 0 for key, term in case.terms()):
        key = next(iter(case.methods))
        sentence = "every weight is 0, that of the labels too: there is nothing to learn from"
        yield Problem(f"methods.{key}.ce_weight", sentence)


def _sources(case: _Case) -> Iterator[Problem]:
    student, teacher = case.experiment.student, case.experiment.teacher
    given: list[tuple[str, str, str]] = [("student.file", student.source, student.file)]
    if case.has_teacher:
        given.append(("teacher.file", teacher.source, teacher.file))
        if teacher.source == "run" and not teacher.run:
            yield Problem("teacher.run", "name the run, or give the folder, whose student becomes the teacher")
    for path, source, file in given:
        if source == "file" and not file:
            yield Problem(path, "choose the checkpoint: a .safetensors, or a .pth, .pt or .th state dict")
        elif source == "file" and not Path(file).expanduser().is_file():
            yield Problem(path, f"there is no file {file!r}")


def _earlier_run(case: _Case) -> Iterator[Problem]:
    teacher = case.experiment.teacher
    if not case.has_teacher or teacher.source != "run" or not teacher.run:
        return
    folder = Path(teacher.run).expanduser()
    if not folder.is_dir():
        if case.home is None and len(folder.parts) == 1:
            return
        folder = (case.home or Path()) / folder
    if not folder.is_dir():
        yield Problem("teacher.run", f"there is no run {teacher.run!r}; name one of your runs, or give its folder")
    elif not (folder / "student.safetensors").is_file():
        yield Problem("teacher.run", f"{teacher.run!r} has no student.safetensors; choose a finished run")


def _data(case: _Case) -> Iterator[Problem]:
    settings, card = case.experiment.dataset, case.catalogue.datasets[case.experiment.dataset.name]
    if card.needs_folder and not settings.root:
        yield Problem("dataset.root", f"{card.title} is read from a folder of your own; choose it")
    elif settings.root and not Path(settings.root).expanduser().is_dir():
        yield Problem("dataset.root", f"there is no folder {settings.root!r}")


def _sides(case: _Case) -> Iterator[Problem]:
    size = case.experiment.dataset.size
    exact = {path: card.exact for path, card in case.nets.items() if card.exact}
    if len(set(exact.values())) > 1:
        wants = " and ".join(f"{case.nets[path].title} takes only {side} x {side}" for path, side in exact.items())
        yield Problem("teacher.net", f"{wants} pixels: they cannot look at the same images")
    if size == "auto":
        return
    for card in case.nets.values():
        if card.exact and size != card.exact:
            yield Problem("dataset.size", f"{card.title} takes only {card.exact} x {card.exact} pixels; set it to auto")
        elif size < card.smallest:
            yield Problem("dataset.size", f"{card.title} takes images from {card.smallest} x {card.smallest} pixels on")


def _schedule(case: _Case) -> Iterator[Problem]:
    training = case.experiment.training
    falling = [b for a, b in zip(training.milestones, training.milestones[1:]) if b <= a]
    if training.schedule == "multistep" and falling:
        yield Problem("training.milestones", f"epochs must rise, and {falling[0]} does not; put them in order")
    if training.optimizer == "sgd" and training.nesterov and training.momentum == 0:
        yield Problem("training.nesterov", "Nesterov's look-ahead needs a momentum above 0")


def _selection(case: _Case) -> Iterator[Problem]:
    if case.experiment.run.selection == "held-out" and case.experiment.dataset.holdout == 0:
        sentence = "no images are held out (dataset.holdout is 0); hold some out, or choose by `test` or `last`"
        yield Problem("run.selection", sentence)


def _device(case: _Case) -> Iterator[Problem]:
    device = case.experiment.run.device
    if not _DEVICE.match(device):
        yield Problem("run.device", f"{device!r} is no device; write auto, cpu, cuda or cuda:1")


_RULES = (
    _source_of_logits, _one_source_of_logits, _offer_is_taken, _without_labels, _something_to_learn, _sources, _earlier_run,
    _data, _sides, _schedule, _selection, _device,
)  # fmt: skip


def _late_milestones(case: _Case) -> Iterator[Problem]:
    training = case.experiment.training
    if training.schedule != "multistep":
        return
    late = [m for m in training.milestones if m >= training.epochs]
    if late or not training.milestones:
        what = f"the drop after epoch {late[0]} never comes" if late else "the learning rate never drops"
        yield Problem("training.milestones", f"{what}: training has {training.epochs} epochs")


def _idle_settings(case: _Case) -> Iterator[Problem]:
    experiment, training = case.experiment, case.experiment.training
    if training.warmup_epochs >= training.epochs:
        yield Problem(
            "training.warmup_epochs", "the learning rate never reaches its peak: the warm-up is as long as the training"
        )
    if experiment.run.evaluate_every > training.epochs:
        yield Problem("run.evaluate_every", "only the last epoch is evaluated")
    if training.label_smoothing > 0 and ce_weight(experiment, case.catalogue) == 0:
        yield Problem("training.label_smoothing", "has no effect: the labels have no weight")
    if case.has_teacher and not case.taking and all(c.needs.teacher != "net" for c in case.methods.values()):
        yield Problem("teacher.net", "no method learns from this teacher; the student is only measured against it")


def _batch_of_everything(case: _Case) -> Iterator[Problem]:
    settings = case.experiment.dataset
    card = case.catalogue.datasets[settings.name]
    there = card.train_images * settings.subset * (1 - settings.holdout) * (1 if card.test_images else 1 - settings.split)
    if 0 < there < case.experiment.training.batch_size:
        yield Problem("training.batch_size", f"there are only about {there:.0f} training images: every step sees all of them")


def _more_threads_than_cores(case: _Case) -> Iterator[Problem]:
    threads, cores = case.experiment.run.threads, os.cpu_count()
    if threads != "auto" and cores and threads > cores:
        yield Problem("run.threads", f"this machine has {cores} cores: {threads} threads get in each other's way; use auto")


def _conditions_unmet(case: _Case) -> Iterator[Problem]:
    """Settings that were changed although another setting makes them idle."""
    for section in SECTIONS:
        values = getattr(case.experiment, section).model_dump()
        for spec in section_specs(section):
            if values[spec.name] != spec.default and not holds(spec.when, values):
                yield Problem(f"{section}.{spec.name}", f"has no effect unless {_in_words(spec.when)}")
    for key, card in case.methods.items():
        values = case.settings[key]
        for spec in card.settings:
            if values[spec.name] != spec.default and not holds(spec.when, values):
                yield Problem(f"methods.{key}.{spec.name}", f"has no effect unless {_in_words(spec.when)}")


def _in_words(condition: Any) -> str:
    return " and ".join(f"{name} is {' or '.join(str(v) for v in allowed)}" for name, allowed in condition.items())


_WARNINGS = (_late_milestones, _idle_settings, _batch_of_everything, _more_threads_than_cores, _conditions_unmet)


def _titles(case: _Case, keys: list[str]) -> str:
    return " and ".join(case.methods[key].title for key in keys)
