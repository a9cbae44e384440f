"""Which stages of a teacher and a student belong together, and what brings their maps to one shape. From shapes alone.

The window's Plan, the rules and the methods ask the same functions, so that what is shown before a run is what runs. Shapes
are those of one image, without the batch: (C, H, W) of a map, (d,) of a feature vector.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine import denoising_sizes
from engine.cards import Features
from engine.knobs import holds

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
"""Tap -> shape."""

PENULTIMATE = "pooled"
"""The tap of the vector that the classifier reads."""
STEM = "f0"
LAST = "last"
"""The tap of the map that is averaged, in nets where that is not the map of the deepest stage."""
FIRST = "_first"
"""How the tap of the map after the first block of a net's last stage ends."""
HINT = 2
"""The stage that FitNet's public implementations compare, counted from 1."""


class PairError(ValueError):
    """Two nets whose features a method cannot compare; the sentence names both shapes. `setting` is the method's setting that
    asks for what is not there, where it is one."""

    def __init__(self, sentence: str, setting: str = "") -> None:
        super().__init__(sentence)
        self.setting = setting


@dataclass(frozen=True)
class Match:
    """A tap of the student beside a tap of the teacher, the kind of adapter that a method puts between them, and its
    parameters, which are only for training."""

    student: str
    teacher: str
    student_shape: Shape
    teacher_shape: Shape
    adapter: str = "none"
    parameters: int = 0

    @property
    def spatial(self) -> Literal["same", "pool-student", "pool-teacher"]:
        """Which of the two maps is averaged to the size of the other: the larger one, by height and then by width."""
        own, other = self.student_shape[1:], self.teacher_shape[1:]
        if own == other:
            return "same"
        return "pool-student" if own > other else "pool-teacher"

    @property
    def channels(self) -> Literal["same", "differ"]:
        """Whether both have as many channels (or entries)."""
        return "same" if self.student_shape[0] == self.teacher_shape[0] else "differ"

    @property
    def size(self) -> tuple[int, ...]:
        """(H, W) at which the two maps meet: that of the smaller one; () for vectors."""
        return min(self.student_shape[1:], self.teacher_shape[1:])

    def in_words(self) -> str:
        """`student f2 32 × 16 × 16, teacher f2 64 × 8 × 8`."""
        return f"student {self.student} {by(self.student_shape)}, teacher {self.teacher} {by(self.teacher_shape)}"

    def how(self) -> str:
        """What brings the two together: `1 × 1 convolution, 2,112 parameters; the teacher's map averaged to 8 × 8`."""
        adapter = ADAPTERS[self.adapter]
        said = f"{adapter.words}, {self.parameters:,} parameters" if self.parameters else adapter.words
        if self.spatial == "same" or adapter.resizes(self):
            return said
        who = "student" if self.spatial == "pool-student" else "teacher"
        return f"{said}; the {who}'s map averaged to {by(self.size)}"


def by(shape: Shape) -> str:
    """A shape in words: `32 × 16 × 16`."""
    return " × ".join(str(s) for s in shape)


def stages(shapes: Shapes) -> tuple[str, ...]:
    """The taps of a net's stages in order: its maps between the stem and the pooled features, none before activation, none
    within a stage and none inside a part."""
    return tuple(
        tap for tap, shape in shapes.items()
        if len(shape) == 3 and tap not in (STEM, LAST, PENULTIMATE) and "." not in tap and not tap.endswith(("_pre", FIRST))
    )  # fmt: skip


def pair(student: Shapes, teacher: Shapes) -> tuple[Match, ...]:
    """The stages of both nets that belong together, from the shallowest on.

    Nets with equally many stages are matched one by one. Otherwise every stage of the net with fewer finds one in the other
    net: the deepest the deepest, the others in order such that Σ |log2 of the ratio of heights| is smallest; where that is
    equal, such that the relative depths i/n are nearest, and then the deeper ones. Empty where a net has no stages.
    """
    own, other = stages(student), stages(teacher)
    if len(own) <= len(other):
        chosen = _like([student[t] for t in own], [teacher[t] for t in other])
        pairs = [(tap, other[i]) for tap, i in zip(own, chosen)]
    else:
        chosen = _like([teacher[t] for t in other], [student[t] for t in own])
        pairs = [(own[i], tap) for tap, i in zip(other, chosen)]
    return tuple(Match(s, t, tuple(student[s]), tuple(teacher[t])) for s, t in pairs)


def _like(few: Sequence[Shape], many: Sequence[Shape]) -> tuple[int, ...]:
    """For each of `few` stages the position of the one among `many` that belongs to it."""
    if not few:
        return ()
    last = len(many) - 1
    ways = ((*earlier, last) for earlier in itertools.combinations(range(last), len(few) - 1))

    def distance(way: tuple[int, ...]) -> tuple[float, float, tuple[int, ...]]:
        sizes = sum(abs(math.log2(shape[1] / many[i][1])) for shape, i in zip(few, way))
        depths = sum(abs((k + 1) / len(few) - (i + 1) / len(many)) for k, i in enumerate(way))
        return round(sizes, 6), round(depths, 6), tuple(-i for i in way)

    return min(ways, key=distance)


def matches(features: Iterable[Features], settings: Mapping[str, Any], student: Shapes, teacher: Shapes) -> tuple[Match, ...]:
    """What a method compares of two nets under its settings. Raises PairError where it cannot."""
    return tuple(m for f in features if holds(f.when, settings) for m in _matches(f, settings, student, teacher))


def _matches(features: Features, settings: Mapping[str, Any], student: Shapes, teacher: Shapes) -> tuple[Match, ...]:
    wanted = settings.get(features.stages, features.stages)
    if wanted in ("pooled", "map", "first"):
        own, other = (_tap(wanted, who, shapes) for who, shapes in (("student", student), ("teacher", teacher)))
        found: tuple[Match, ...] = (Match(own, other, tuple(student[own]), tuple(teacher[other])),)
    else:
        found = _chosen(wanted, features.stages, student, teacher)
    if features.averaged:
        for who, shapes in (("student", student), ("teacher", teacher)):
            tap = _averaged(shapes)
            if shapes[tap][0] != shapes[PENULTIMATE][0]:
                raise PairError(
                    f"the {who} does not classify the average of a map: its deepest is {tap} {by(shapes[tap])}, "
                    f"and its classifier reads {by(shapes[PENULTIMATE])}"
                )
    if features.equal_counts and len(stages(student)) != len(stages(teacher)):
        raise PairError(f"{_counted('student', student)} and {_counted('teacher', teacher)}; they must have equally many")
    if features.activation == "before":
        found = tuple(_before(m, student, teacher) for m in found)
    for match in found:
        _check(features, match)
    count = ADAPTERS[features.adapter].count
    return tuple(replace(match, adapter=features.adapter, parameters=count(match, settings)) for match in found)


def _tap(wanted: str, who: str, shapes: Shapes) -> str:
    """The one tap of a net that is wanted: `pooled`, the `map` that is averaged, or the `first` map of its last stage."""
    if wanted == "pooled":
        return PENULTIMATE
    if wanted == "map":
        return _averaged(shapes)
    found = [tap for tap in shapes if tap.endswith(FIRST)]
    if not found:
        there = ", ".join(stages(shapes)) or PENULTIMATE
        raise PairError(f"the {who} does not show the map after the first block of its last stage; it shows {there}")
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


def _check(features: Features, match: Match) -> None:
    if features.part and 3 > min(len(match.student_shape), len(match.teacher_shape)):
        raise PairError(f"it works on maps, and one of the two shows none there: {match.in_words()}")
    if features.equal_channels and match.channels == "differ":
        raise PairError(f"it needs equally many channels: {match.in_words()}")
    if features.equal_sizes and match.spatial != "same":
        raise PairError(f"it needs maps of one size: {match.in_words()}")


def _counted(who: str, shapes: Shapes) -> str:
    there = ", ".join(f"{tap} {by(shapes[tap])}" for tap in stages(shapes))
    return f"the {who} has {len(stages(shapes))} stages ({there})"


@dataclass(frozen=True)
class Adapter:
    """A kind of adapter: what it is, in words, how many parameters it has for a match under a method's settings, and whether
    it goes to the teacher's size by itself, so that nothing is averaged."""

    words: str
    count: Callable[[Match, Mapping[str, Any]], int]
    resizes: Callable[[Match], bool] = lambda match: False


def _one_by_one(match: Match, settings: Mapping[str, Any]) -> int:
    return match.student_shape[0] * match.teacher_shape[0] + match.teacher_shape[0]


def _one_by_one_norm(match: Match, settings: Mapping[str, Any]) -> int:
    return match.student_shape[0] * match.teacher_shape[0] + 2 * match.teacher_shape[0]


def _regressor(match: Match, settings: Mapping[str, Any]) -> int:
    c_s, c_t = match.student_shape[0], match.teacher_shape[0]
    _, kernel = bridge(match)
    return c_s * c_t * math.prod(kernel) + 3 * c_t


def _as_wide(match: Match, settings: Mapping[str, Any]) -> int:
    return match.student_shape[0] ** 2 + match.student_shape[0]


def _denoised(match: Match, settings: Mapping[str, Any]) -> int:
    if len(match.student_shape) != 3 or len(match.teacher_shape) != 3:
        raise PairError(f"it denoises maps, and one of the nets shows none: {match.in_words()}")
    channels, compression = match.teacher_shape[0], settings["compression"]
    if compression in ("pca", "random") and denoising_sizes.width(channels, settings) > channels:
        raise PairError(
            f"a fixed projection only makes narrower: {settings['width']} of {channels} channels cannot be had "
            f"({match.in_words()}); lower width", "width",
        )  # fmt: skip
    return denoising_sizes.of_features(match.student_shape[0], channels, settings)


def bridge(match: Match) -> tuple[Literal["halve", "double", "crop", "pool"], tuple[int, int]]:
    """How FitNet's regressor goes from the student's map to the size of the teacher's, and its kernel.

    halve: 3 x 3 with stride 2 from twice the size; double: transposed 4 x 4 with stride 2 from half of it; crop: a kernel as
    large as the difference plus one (1 x 1 for equal sizes). From any smaller size the teacher's map is averaged to the
    student's: there the published code gives up.
    """
    (h_s, w_s), (h_t, w_t) = match.student_shape[1:], match.teacher_shape[1:]
    if (h_s, w_s) == (2 * h_t, 2 * w_t):
        return "halve", (3, 3)
    if (2 * h_s, 2 * w_s) == (h_t, w_t):
        return "double", (4, 4)
    if h_s >= h_t and w_s >= w_t:
        return "crop", (1 + h_s - h_t, 1 + w_s - w_t)
    return "pool", (1, 1)


ADAPTERS: dict[str, Adapter] = {
    "none": Adapter("compared as they are", lambda match, settings: 0),
    "1x1": Adapter("1 × 1 convolution", _one_by_one),
    "1x1 norm": Adapter("1 × 1 convolution, BN", _one_by_one_norm),
    "linear": Adapter("linear layer", _one_by_one),
    "templates": Adapter("assignments to templates", lambda match, settings: 0, lambda match: match.spatial == "pool-student"),
    "regressor": Adapter("convolution, BN, ReLU", _regressor, lambda match: bridge(match)[0] != "pool"),
    "diffkd": Adapter("projections and denoising", _denoised),
    "affinity": Adapter("affinities behind a 1 × 1 convolution, ReLU", _as_wide, lambda match: True),
    "affinity bare": Adapter("affinities as they are", lambda match, settings: 0, lambda match: True),
}
"""Kind of adapter -> what the Plan says of it. The modules themselves are in `engine/adapters.py`, or in a method's file."""


def _templates(
    templates: Callable[[Mapping[str, Any], int], int],
) -> Callable[[Match, Mapping[str, Any], int], tuple[int, int]]:
    """letKD's layer of K templates on a map of d channels: two d x K matrices, a batch normalisation and two scales."""

    def count(match: Match, settings: Mapping[str, Any], classes: int) -> tuple[int, int]:
        d, k = match.student_shape[0], templates(settings, classes)
        return 2 * d * k + 2 * k + 2, 2 * d * k * math.prod(match.student_shape[1:])

    return count


PARTS: dict[str, Callable[[Match, Mapping[str, Any], int], tuple[int, int]]] = {
    "letkd.penult": _templates(lambda settings, classes: int(settings["templates"])),
    "letkd.inter": _templates(lambda settings, classes: int(settings["subclasses"]) * classes),
}
"""What a method puts into the student to stay -> its parameters and multiply-adds an image, for a match, the method's settings
and so many classes. The modules themselves are in the method's file."""
