"""Rules on the stack of methods: who gives the logits, who takes them, and whether anything is left to learn."""

from __future__ import annotations

from collections.abc import Iterator

from engine.knobs import holds
from engine.presets import Problem
from engine.rules.case import Case


def _source_of_logits(case: Case) -> Iterator[Problem]:
    for card in case.methods.values():
        if card.needs.teacher == "net" and not case.has_teacher:
            yield Problem("teacher.net", f"{card.title} looks into a teacher net; choose one")
    if case.taking and not case.has_teacher and not case.offering:
        who = case.titles(case.taking)
        yield Problem(
            "teacher.net", f"{who} learns from a teacher's logits; choose a teacher net, or a method that offers them"
        )


def _one_source_of_logits(case: Case) -> Iterator[Problem]:
    if case.has_teacher and case.offering:
        who = case.titles(case.offering)
        sentence = f"both this net and {who} would give the teacher's logits; set it to none, or change {who}"
        yield Problem("teacher.net", sentence)
    if len(case.offering) > 1:
        sentence = f"{case.titles(case.offering)} would all give the teacher's logits; keep one that does"
        yield Problem(f"methods.{case.offering[1]}", sentence)


def _one_classifier(case: Case) -> Iterator[Problem]:
    if len(case.classifying) > 1:
        sentence = f"{case.titles(case.classifying)} would each put a classifier of its own into the student; keep one of them"
        yield Problem(f"methods.{case.classifying[1]}", sentence)


def _offer_is_taken(case: Case) -> Iterator[Problem]:
    if case.offering and not case.taking:
        key = case.offering[0]
        condition = case.methods[key].offers or {}
        path = f"methods.{key}.{next(iter(condition))}" if condition else f"methods.{key}"
        sentence = f"{case.methods[key].title} offers logits here, and no method of the stack takes them; add one, such as DKD"
        yield Problem(path, sentence)


def _something_to_modify(case: Case) -> Iterator[Problem]:
    learning = [key for key, card in case.methods.items() if card.needs.compares_logits and not card.modifies]
    for key, card in case.methods.items():
        if card.modifies and not learning:
            sentence = f"{card.title} changes what methods on logits see, and there is none in the stack; add one, such as KD"
            yield Problem(f"methods.{key}", sentence)


def _without_labels(case: Case) -> Iterator[Problem]:
    if case.experiment.dataset.labels:
        return
    for key, card in case.methods.items():
        needs, values = card.needs, case.settings[key]
        if needs.labels or (needs.labels_when and holds(needs.labels_when, values)):
            where = "" if needs.labels else " where " + ", ".join(f"{name} is {values[name]}" for name in needs.labels_when)
            yield Problem("dataset.labels", f"{card.title} needs the labels of the training images{where}")
    if not case.methods:
        yield Problem("dataset.labels", "without labels and without a method there is nothing to learn from; add a method")
    if case.has_teacher and case.experiment.teacher.source == "train":
        sentence = "a teacher cannot be trained without labels; take one from a file or from an earlier run"
        yield Problem("teacher.source", sentence)


def _something_to_learn(case: Case) -> Iterator[Problem]:
    if not case.methods or case.ce_weight > 0:
        return
    if all(case.weight(key, term) == 0 or term.own for key, term in case.terms()):
        key = next(iter(case.methods))
        sentence = "every weight is 0, that of the labels too: there is nothing to learn from"
        yield Problem(f"methods.{key}.ce_weight", sentence)


RULES = (
    _source_of_logits, _one_source_of_logits, _one_classifier, _offer_is_taken, _something_to_modify, _without_labels,
    _something_to_learn,
)  # fmt: skip
