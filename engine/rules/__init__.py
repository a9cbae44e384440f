"""Rules that no single setting can break: an experiment as a whole that cannot run, or runs otherwise than expected.

The window asks while typing, the session before it starts. `problems` are reasons to refuse, `warnings` are not. Each file
holds the rules of one topic: a rule takes a `Case` and gives the problems it sees; to add one, write it and list it in the
file's RULES.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine import extras
from engine.cards import Catalogue
from engine.experiment import Experiment
from engine.pairing import Match, PairError
from engine.presets import Problem
from engine.presets.schema import unknown_method, unknown_name
from engine.quantize.sizes import Sizes
from engine.rules import images, pairs, quantization, sources, stack, surprises, training
from engine.rules.case import Case

__all__ = ["Problem", "ce_weight", "compared", "problems", "quantized", "staying", "warnings"]

_RULES = (*stack.RULES, *pairs.RULES, *sources.RULES, *images.RULES, *quantization.RULES, *training.RULES)
_WARNINGS = (*surprises.WARNINGS, *pairs.WARNINGS)


def problems(experiment: Experiment, catalogue: Catalogue | None = None, *, home: Path | None = None) -> tuple[Problem, ...]:
    """Why this experiment cannot run; empty where it can. Unknown names are told first, for nothing else can be judged
    without their cards. A teacher named by its run is looked for under `home`; without it only folders are looked at."""
    known = catalogue or extras.catalogue()
    unknown = tuple(_unknown(experiment, known))
    if unknown:
        return unknown
    case = Case(experiment, known, home)
    return tuple(problem for rule in _RULES for problem in rule(case))


def warnings(experiment: Experiment, catalogue: Catalogue | None = None) -> tuple[Problem, ...]:
    """What will surprise about this experiment although it can run; empty where a name is unknown."""
    known = catalogue or extras.catalogue()
    if any(_unknown(experiment, known)):
        return ()
    case = Case(experiment, known)
    return tuple(problem for rule in _WARNINGS for problem in rule(case))


def ce_weight(experiment: Experiment, catalogue: Catalogue | None = None) -> float:
    """Weight of the cross-entropy with the labels, as `Case.ce_weight`."""
    return Case(experiment, catalogue or extras.catalogue()).ce_weight


def compared(experiment: Experiment, catalogue: Catalogue | None = None) -> dict[str, tuple[Match, ...]]:
    """What each method of the stack compares of the two nets, from their cards; methods that compare nothing, or cannot (see
    `problems`), are left out. The names must be known."""
    case = Case(experiment, catalogue or extras.catalogue())
    found = dict[str, tuple[Match, ...]]()
    for key in case.methods:
        try:
            found[key] = pairs.compared(case, key)
        except PairError:
            continue
    return {key: matches for key, matches in found.items() if matches}


def staying(experiment: Experiment, catalogue: Catalogue | None = None) -> dict[str, tuple[int, int]]:
    """Parameters and multiply-adds of what each method of the stack puts into the student to stay, from the cards; methods that
    put nothing there, or cannot (see `problems`), are left out. The names must be known."""
    case = Case(experiment, catalogue or extras.catalogue())
    found = dict[str, tuple[int, int]]()
    for key in case.methods:
        try:
            found[key] = pairs.staying(case, key)
        except PairError:
            continue
    return {key: size for key, size in found.items() if size[0]}


def quantized(experiment: Experiment, catalogue: Catalogue | None = None) -> Sizes | None:
    """Bytes of the quantized student and of the same in float32, from its card and without what methods put into it; None
    where nothing is quantized, or the images are of a size nobody counted. The names must be known."""
    return quantization.size(Case(experiment, catalogue or extras.catalogue()))


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
