"""What methods put between two maps for training, and into the student to stay: in words and numbers, without torch.

The modules themselves are in `engine/adapters.py`, or in a method's own file; tests hold the numbers against them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.denoising import sizes as denoising_sizes
from engine.pairing import Match, PairError


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


def _embeddings(match: Match, settings: Mapping[str, Any]) -> int:
    d_s, d_t, width = match.student_shape[0], match.teacher_shape[0], settings["width"]
    return int((d_s + d_t + 2) * width)


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
    "templates": Adapter(
        "a layer of templates that stays", lambda match, settings: 0, lambda match: match.spatial == "pool-student"
    ),
    "regressor": Adapter("convolution, BN, ReLU", _regressor, lambda match: bridge(match)[0] != "pool"),
    "diffkd": Adapter("projections and denoising", _denoised),
    "affinity": Adapter("affinities behind a 1 × 1 convolution, ReLU", _as_wide, lambda match: True),
    "affinity bare": Adapter("affinities as they are", lambda match, settings: 0, lambda match: True),
    "crd": Adapter("a linear embedding of each", _embeddings, lambda match: True),
    "simkd": Adapter("a projector that stays", lambda match, settings: 0),
}
"""Kind of adapter -> what the Plan says of it."""


def _templates(
    templates: Callable[[Mapping[str, Any], int], int],
) -> Callable[[Match, Mapping[str, Any], int], tuple[int, int]]:
    """letKD's layer of K templates on a map of d channels: two d x K matrices, a batch normalization and two scales."""

    def count(match: Match, settings: Mapping[str, Any], classes: int) -> tuple[int, int]:
        d, k = match.student_shape[0], templates(settings, classes)
        return 2 * d * k + 2 * k + 2, 2 * d * k * math.prod(match.student_shape[1:])

    return count


def _projector(match: Match, settings: Mapping[str, Any], classes: int) -> tuple[int, int]:
    """SimKD's three convolutions without bias, each with BN: 1 x 1 to half of the teacher's channels, 3 x 3, 1 x 1 to all."""
    c_s, c_t = match.student_shape[0], match.teacher_shape[0]
    half = c_t // 2
    weights = c_s * half + 9 * half * half + half * c_t
    return weights + 2 * (half + half + c_t), weights * math.prod(match.size)


PARTS: dict[str, Callable[[Match, Mapping[str, Any], int], tuple[int, int]]] = {
    "letkd.penult": _templates(lambda settings, classes: int(settings["templates"])),
    "letkd.inter": _templates(lambda settings, classes: int(settings["subclasses"]) * classes),
    "simkd.projector": _projector,
}
"""What a method puts into the student to stay -> its parameters and multiply-adds an image, for a match, the method's settings
and so many classes. The modules themselves are in the method's file."""

RESHAPING = frozenset({"simkd.projector"})
"""Parts behind which the student's map has the teacher's channels, so that nothing made for the student's can follow."""


def _as_wide_as_the_teacher(own: int, other: int, classes: int) -> tuple[int, int]:
    return (other - own) * classes, (other - own) * classes


def _serialization(own: int, other: int, classes: int) -> tuple[int, int]:
    return classes * classes + classes, classes * classes


CLASSIFIERS: dict[str, Callable[[int, int, int], tuple[int, int]]] = {
    "simkd.classifier": _as_wide_as_the_teacher,
    "aekt.classifier": _serialization,
}
"""What a method puts in the place of the student's classifier -> how many parameters and multiply-adds an image it has more,
for the widths that the student's and the teacher's classifiers read (0 without a teacher net) and so many classes."""
