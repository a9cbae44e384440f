"""Rules on the pair of nets: what the methods compare of the two must be there and of shapes that they can compare."""

from __future__ import annotations

import math
from collections.abc import Iterator

from engine.comparing import matches
from engine.comparing import staying as stays
from engine.pairing import Match, PairError
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
    return matches(case.methods[key].features, case.settings[key], shapes["student.net"], shapes["teacher.net"])


def staying(case: Case, key: str) -> tuple[int, int]:
    """Parameters and multiply-adds of what a method of the stack puts into the student to stay, from the cards; zeros where it
    puts nothing there. Raises PairError where it cannot."""
    shapes = case.shapes
    if len(shapes) < 2:
        return 0, 0
    features, settings = case.methods[key].features, case.settings[key]
    classes = case.catalogue.datasets[case.experiment.dataset.name].classes or COMPARED
    return stays(features, settings, shapes["student.net"], shapes["teacher.net"], classes)


def _comparable(case: Case) -> Iterator[Problem]:
    for key, card in case.methods.items():
        try:
            compared(case, key)
        except PairError as error:
            path = f"methods.{key}.{error.setting}" if error.setting else "student.net"
            student, teacher = (case.nets[path].title for path in ("student.net", "teacher.net"))
            yield Problem(path, f"{card.title} cannot compare {student} with {teacher}: {error}")


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
    if not keys:
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


RULES = (_comparable,)
WARNINGS = (_one_place, _large_adapters, _larger_than_teacher)
