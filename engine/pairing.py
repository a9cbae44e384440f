"""Which stages of a teacher and a student belong together. From the shapes of their taps alone.

Shapes are those of one image, without the batch: (C, H, W) of a map, (d,) of a feature vector.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

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


class PairError(ValueError):
    """Two nets whose features a method cannot compare; the sentence names both shapes. `setting` is the method's setting that
    asks for what is not there, where it is one."""

    def __init__(self, sentence: str, setting: str = "") -> None:
        super().__init__(sentence)
        self.setting = setting


@dataclass(frozen=True)
class Match:
    """A tap of the student beside a tap of the teacher, and the kind of adapter that a method puts between them: what it is in
    words, its parameters, which are only for training, and whether it goes to the teacher's size by itself."""

    student: str
    teacher: str
    student_shape: Shape
    teacher_shape: Shape
    adapter: str = "none"
    parameters: int = 0
    words: str = "compared as they are"
    resizes: bool = False

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
        said = f"{self.words}, {self.parameters:,} parameters" if self.parameters else self.words
        if self.spatial == "same" or self.resizes:
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
