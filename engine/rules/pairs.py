"""Rules on the pair of nets: what the methods compare of the two must be there and of shapes that they can compare."""

from __future__ import annotations

import math
from collections.abc import Iterator

from engine.adapter_kinds import RESHAPING
from engine.cards import Features
from engine.comparing import classifying, left, matches
from engine.comparing import staying as stays
from engine.knobs import holds
from engine.pairing import Match, PairError, Shapes
from engine.presets import Problem
from engine.rules.case import Case

COMPARED = 100
"""Classes for which nets are counted where the dataset does not say how many it has."""


def compared(case: Case, key: str) -> tuple[Match, ...]:
    """What a method of the stack compares of the two nets, from their cards; empty where it looks at no features or there is
    no teacher net. Raises PairError where it cannot."""
    shapes = case.shapes
    if len(shapes) < 2:
        return ()
    return matches(case.methods[key].features, case.settings[key], _beside(case, key), shapes["teacher.net"])


def _beside(case: Case, key: str) -> Shapes:
    """The student's shapes as the parts of the stack's other methods leave them; a part that cannot be had leaves them."""
    student, teacher = case.shapes["student.net"], case.shapes["teacher.net"]
    for other, card in case.methods.items():
        if other == key:
            continue
        try:
            student = left(card.features, case.settings[other], student, teacher)
        except PairError:  # said of that method
            continue
    return student


def staying(case: Case, key: str) -> tuple[int, int]:
    """Parameters and multiply-adds of what a method of the stack puts into the student to stay, a classifier in the place of
    its own included, from the cards; zeros where it puts nothing there. Raises PairError where it cannot."""
    card, settings = case.methods[key], case.settings[key]
    student, teacher = case.shapes["student.net"], case.shapes.get("teacher.net", {})
    classes = case.catalogue.datasets[case.experiment.dataset.name].classes or COMPARED
    parts = stays(card.features, settings, student, teacher, classes) if teacher else (0, 0)
    classifier = classifying(card.classifier, settings, student, teacher, classes)
    return parts[0] + classifier[0], parts[1] + classifier[1]


def _comparable(case: Case) -> Iterator[Problem]:
    for key, card in case.methods.items():
        try:
            compared(case, key)
        except PairError as error:
            path = f"methods.{key}.{error.setting}" if error.setting else "student.net"
            student, teacher = (case.nets[path].title for path in ("student.net", "teacher.net"))
            yield Problem(path, f"{card.title} cannot compare {student} with {teacher}: {error}")


def _parts_in_order(case: Case) -> Iterator[Problem]:
    """Behind a part that changes a map's channels, none can stand that was made for the student's own."""
    changed: dict[str, str] = {}
    for key, card in case.methods.items():
        for features in (f for f in card.features if f.part and holds(f.when, case.settings[key])):
            for tap in _stands(case, key, features):
                if tap in changed:
                    first = changed[tap]
                    sentence = f"{card.title} works on the map that {first} has given the teacher's channels by then"
                    yield Problem(f"methods.{key}", f"{sentence}; put {card.title} before {first} in the stack")
                elif features.part in RESHAPING:
                    changed[tap] = card.title


def _stands(case: Case, key: str, features: Features) -> list[str]:
    """The student's taps behind which a method's part stands; none where it cannot."""
    if not case.has_teacher:
        return []
    try:
        found = matches((features,), case.settings[key], case.shapes["student.net"], case.shapes["teacher.net"])
    except PairError:
        return []
    return [match.student for match in found]


def _one_place(case: Case) -> Iterator[Problem]:
    """Maps of one place say nothing to a method that compares places."""
    for key, card in case.methods.items():
        by_place = tuple(features for features in card.features if features.places)
        try:
            found = matches(by_place, case.settings[key], *case.shapes.values()) if case.has_teacher else ()
        except PairError:
            continue
        for match in found:
            if math.prod(match.size) == 1:
                sentence = f"{card.title} compares places, and these maps have one: {match.in_words()}; larger images have more"
                yield Problem("dataset.size", sentence)


def _large_adapters(case: Case) -> Iterator[Problem]:
    """What is only for training should not outweigh what is trained for."""
    for key, card in case.methods.items():
        try:
            found = compared(case, key)
        except PairError:
            continue
        for match in found:
            if match.parameters > case.nets["student.net"].parameters:
                sentence = (
                    f"the adapter that {card.title} trains has {match.parameters:,} parameters, more than the student "
                    f"({match.in_words()}); it is dropped afterwards"
                )
                yield Problem(f"methods.{key}", sentence)


def _larger_than_teacher(case: Case) -> Iterator[Problem]:
    """A student whose parts make it larger than its teacher compresses nothing."""
    try:
        parts = {key: staying(case, key)[0] for key in case.methods}
    except PairError:
        return
    keys = [key for key, count in parts.items() if count]
    if not keys or not case.has_teacher:
        return
    own, other = (_parameters(case, path) for path in ("student.net", "teacher.net"))
    whole = own + sum(parts.values())
    if whole > other:
        sentence = (
            f"with what {case.titles(keys)} puts into it to stay the student has {whole:,} parameters, more than its teacher's "
            f"{other:,}: {own:,} are its own"
        )
        yield Problem(f"methods.{keys[0]}", sentence)


def _parameters(case: Case, path: str) -> int:
    """Those of a net on the experiment's images, or on those on which nets are compared where nobody counted."""
    data, card = case.catalogue.datasets[case.experiment.dataset.name], case.nets[path]
    return (card.size_on(data.channels, case.side, data.classes) or (card.parameters, 0))[0]


RULES = (_comparable, _parts_in_order)
WARNINGS = (_one_place, _large_adapters, _larger_than_teacher)
