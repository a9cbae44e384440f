"""What will surprise about an experiment although it can run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from engine.experiment import SECTIONS, section_specs, settings_of
from engine.knobs import holds
from engine.presets import Problem
from engine.rules.case import Case


def _late_milestones(case: Case) -> Iterator[Problem]:
    training = case.experiment.training
    if training.schedule != "multistep":
        return
    late = [m for m in training.milestones if m >= training.epochs]
    if late or not training.milestones:
        what = f"the drop after epoch {late[0]} never comes" if late else "the learning rate never drops"
        epochs = f"{training.epochs} epoch{'s' * (training.epochs != 1)}"
        yield Problem("training.milestones", f"{what}: training has {epochs}")


def _idle_settings(case: Case) -> Iterator[Problem]:
    experiment, training = case.experiment, case.experiment.training
    if training.warmup_epochs >= training.epochs:
        yield Problem(
            "training.warmup_epochs", "the learning rate never reaches its peak: the warm-up is as long as the training"
        )
    if experiment.run.evaluate_every > training.epochs:
        yield Problem("run.evaluate_every", "only the last epoch is evaluated")
    if training.label_smoothing > 0 and case.ce_weight == 0:
        yield Problem("training.label_smoothing", "has no effect: the labels have no weight")
    if case.has_teacher and not case.taking and all(c.needs.teacher != "net" for c in case.methods.values()):
        yield Problem("teacher.net", "no method learns from this teacher; the student is only measured against it")


def _batch_of_everything(case: Case) -> Iterator[Problem]:
    settings = case.experiment.dataset
    card = case.catalogue.datasets[settings.name]
    there = card.train_images * settings.subset * (1 - settings.holdout) * (1 if card.test_images else 1 - settings.split)
    if 0 < there < case.experiment.training.batch_size:
        yield Problem("training.batch_size", f"there are only about {there:.0f} training images: every step sees all of them")


def _more_threads_than_cores(case: Case) -> Iterator[Problem]:
    threads, cores = case.experiment.run.threads, os.cpu_count()
    if threads != "auto" and cores and threads > cores:
        yield Problem("run.threads", f"this machine has {cores} cores: {threads} threads get in each other's way; use auto")


def _conditions_unmet(case: Case) -> Iterator[Problem]:
    """Settings that were changed although another setting makes them idle."""
    for section in SECTIONS:
        values = settings_of(case.experiment, section).model_dump()
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


WARNINGS = (_late_milestones, _idle_settings, _batch_of_everything, _more_threads_than_cores, _conditions_unmet)
