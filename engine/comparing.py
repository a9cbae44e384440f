"""What a method compares of two nets: its declared `Features`, resolved from the shapes of both nets' taps alone.

The window's Plan, the rules and the methods ask the same functions, so that what is shown before a run is what runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from engine.adapter_kinds import ADAPTERS, CLASSIFIERS, PARTS, RESHAPING
from engine.cards import Classifier, Features
from engine.knobs import holds
from engine.pairing import FIRST, LAST, PENULTIMATE, Match, PairError, Shape, Shapes, by, pair, stages

HINT = 2
"""The stage that FitNet's public implementations compare, counted from 1."""


def matches(features: Iterable[Features], settings: Mapping[str, Any], student: Shapes, teacher: Shapes) -> tuple[Match, ...]:
    """What a method compares of two nets under its settings. Raises PairError where it cannot."""
    return tuple(m for f in features if holds(f.when, settings) for m in _matches(f, settings, student, teacher))


def _matches(features: Features, settings: Mapping[str, Any], student: Shapes, teacher: Shapes) -> tuple[Match, ...]:
    wanted = settings.get(features.stages, features.stages)
    if wanted in ("pooled", "map", "first"):
        own, other = (_tap(features, wanted, who, shapes) for who, shapes in (("student", student), ("teacher", teacher)))
        found: tuple[Match, ...] = (Match(own, other, tuple(student[own]), tuple(teacher[other])),)
    else:
        found = _chosen(wanted, features.stages, student, teacher)
    if features.averaged:
        _check_averaged("student", student)
        _check_averaged("teacher", teacher)
    if features.equal_counts and len(stages(student)) != len(stages(teacher)):
        raise PairError(f"{_counted('student', student)} and {_counted('teacher', teacher)}; they must have equally many")
    if features.activation == "before":
        found = tuple(_before(m, student, teacher) for m in found)
    for match in found:
        _check(features, match)
    return tuple(adapted(features.adapter, match, settings) for match in found)


def adapted(kind: str, match: Match, settings: Mapping[str, Any]) -> Match:
    """The match with what a method puts between its maps."""
    adapter = ADAPTERS[kind]
    parameters = adapter.count(match, settings)
    return replace(match, adapter=kind, parameters=parameters, words=adapter.words, resizes=adapter.resizes(match))


def _tap(features: Features, wanted: str, who: str, shapes: Shapes) -> str:
    """The one tap of a net that is wanted: `pooled`, the `map` that is averaged, or the `first` map of its last stage."""
    if wanted == "pooled":
        return PENULTIMATE
    if wanted == "map":
        return _averaged(shapes)
    found = [tap for tap in shapes if tap.endswith(FIRST)]
    if not found:
        there = ", ".join(stages(shapes)) or PENULTIMATE
        sentence = f"the {who} does not show the map after the first block of its last stage; it shows {there}"
        raise PairError(sentence, next(iter(features.when), ""))
    return found[-1]


def _averaged(shapes: Shapes) -> str:
    """The map that a net averages before it classifies, or the deepest that it shows."""
    return LAST if LAST in shapes else (stages(shapes) or (PENULTIMATE,))[-1]


def _chosen(wanted: Any, setting: str, student: Shapes, teacher: Shapes) -> tuple[Match, ...]:
    """The matches that are wanted: `all`, `last`, `auto` (see `HINT`), or the student's stages by their numbers from 1."""
    for who, shapes in (("student", student), ("teacher", teacher)):
        if not stages(shapes):
            taps = ", ".join(f"{tap} {by(shape)}" for tap, shape in shapes.items())
            raise PairError(f"the {who} has no stages whose maps could be compared; it shows {taps or 'nothing'}")
    every = pair(student, teacher)
    if wanted == "all":
        return every
    if wanted == "last":
        return every[-1:]
    if wanted == "auto":
        return (_hint(student, teacher),)
    numbers = [wanted] if isinstance(wanted, int) else list(wanted)
    by_tap = {match.student: match for match in every}
    own = stages(student)
    missing = [n for n in numbers if not 1 <= n <= len(own) or own[n - 1] not in by_tap]
    if missing:
        there = ", ".join(f"{own.index(tap) + 1} ({match.in_words()})" for tap, match in by_tap.items())
        raise PairError(f"{setting} {missing[0]} of the student has no counterpart in the teacher; there are {there}", setting)
    return tuple(by_tap[own[n - 1]] for n in numbers)


def _hint(student: Shapes, teacher: Shapes) -> Match:
    """The second stage of each net, or the last of a net that has fewer."""
    own, other = (stages(shapes)[:HINT][-1] for shapes in (student, teacher))
    return Match(own, other, tuple(student[own]), tuple(teacher[other]))


def _before(match: Match, student: Shapes, teacher: Shapes) -> Match:
    """The same stages before their activation."""
    taps = f"{match.student}_pre", f"{match.teacher}_pre"
    for who, tap, shapes in (("student", taps[0], student), ("teacher", taps[1], teacher)):
        if tap not in shapes:
            raise PairError(f"the {who} does not show its maps before activation: there is no tap {tap} ({match.in_words()})")
    return Match(*taps, tuple(student[taps[0]]), tuple(teacher[taps[1]]))


def staying(
    features: Iterable[Features], settings: Mapping[str, Any], student: Shapes, teacher: Shapes, classes: int
) -> tuple[int, int]:
    """Parameters and multiply-adds an image of what a method puts into the student to stay, under its settings and for so
    many classes. Raises PairError where it cannot be put there."""
    found = [
        PARTS[f.part](match, settings, classes)
        for f in features
        if f.part and holds(f.when, settings)
        for match in _matches(f, settings, student, teacher)
    ]
    return sum(parameters for parameters, _ in found), sum(multiply_adds for _, multiply_adds in found)


def left(features: Iterable[Features], settings: Mapping[str, Any], student: Shapes, teacher: Shapes) -> dict[str, Shape]:
    """The shapes of the student's taps as what a method puts into it leaves them. Raises PairError where it cannot be put
    there."""
    found = dict(student)
    for each in features:
        if each.part in RESHAPING and holds(each.when, settings):
            found[PENULTIMATE] = _matches(each, settings, student, teacher)[0].teacher_shape[:1]
    return found


def classifying(
    classifier: Classifier | None, settings: Mapping[str, Any], student: Shapes, teacher: Shapes, classes: int
) -> tuple[int, int]:
    """Parameters and multiply-adds an image that a method's classifier has more than the student's; `teacher` may be empty."""
    if classifier is None or not holds(classifier.when, settings):
        return 0, 0
    other = teacher[PENULTIMATE][0] if teacher else 0
    return CLASSIFIERS[classifier.kind](student[PENULTIMATE][0], other, classes)


def _check(features: Features, match: Match) -> None:
    if features.part and min(len(match.student_shape), len(match.teacher_shape)) < 3:
        raise PairError(f"it works on maps, and one of the two shows none there: {match.in_words()}")
    if features.equal_channels and match.channels == "differ":
        raise PairError(f"it needs equally many channels: {match.in_words()}")
    if features.equal_sizes and match.spatial != "same":
        raise PairError(f"it needs maps of one size: {match.in_words()}")


def _check_averaged(who: str, shapes: Shapes) -> None:
    tap = _averaged(shapes)
    behind_parts = {shape[0] for name, shape in shapes.items() if name.endswith(".out")}
    if shapes[PENULTIMATE][0] not in {shapes[tap][0], *behind_parts}:
        raise PairError(
            f"the {who} does not classify the average of a map: its deepest is {tap} {by(shapes[tap])}, and its classifier "
            f"reads {by(shapes[PENULTIMATE])}"
        )


def _counted(who: str, shapes: Shapes) -> str:
    there = ", ".join(f"{tap} {by(shapes[tap])}" for tap in stages(shapes))
    return f"the {who} has {len(stages(shapes))} stages ({there})"
