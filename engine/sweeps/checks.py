"""Whether the values that a sweep tries can be tried: each a value of its setting, as many of each as move together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.cards import Catalogue
from engine.knobs import did_you_mean
from engine.presets.dialect import Document
from engine.presets.problems import Problem
from engine.presets.resolving import edit_problems
from engine.presets.schema import kind_of
from engine.sweeps.values import NUMBERS, ends, listed


def axis_problems(
    document: Document, place: str, axes: Sequence[Mapping[str, Any]], draw: Any, catalogue: Catalogue
) -> Iterator[Problem]:
    """What is wrong with the values that settings are to have, and with how many there are of those that move together."""
    for n, axis in enumerate(axes):
        counts = dict[str, int]()
        for path, values in axis.items():
            where = f"{place}.{n}.{path}"
            found = list(_values(document, where, path, values, draw, catalogue))
            yield from found
            fixed = isinstance(values, list) or draw is None
            if not found and fixed:
                counts[path] = len(listed(values, kind_of(path, catalogue)))
        if len(set(counts.values())) > 1:
            said = ", ".join(f"{path} {count}" for path, count in counts.items())
            sentence = f"settings of one item move together and need as many values each ({said}); or give each its own item"
            yield document.problem(f"{place}.{n}", sentence)


def _values(document: Document, where: str, path: str, values: Any, draw: Any, catalogue: Catalogue) -> Iterator[Problem]:
    """What is wrong with the values of one setting, each at its own place; an unknown setting at its key."""
    kind = kind_of(path, catalogue)
    if isinstance(values, list):
        for n, value in enumerate(values if _known(path, kind) else values[:1]):
            yield from _moved(document, f"{where}.{n}" if _known(path, kind) else where, path, value, catalogue)
    elif not _known(path, kind):
        yield from _moved(document, where, path, values.low, catalogue)
    elif kind not in NUMBERS:
        yield document.problem(where, f"{path} is no number and has no range; write a list of its values")
    elif draw is None and values.count is None and values.step is None:
        yield document.problem(where, "say how many values: `count` or `step`, or `draw` some at random")
    else:
        found = [p for value in ends(values, kind) for p in _moved(document, where, path, value, catalogue)]
        yield from found[:1]


def _moved(document: Document, where: str, path: str, value: Any, catalogue: Catalogue) -> Iterator[Problem]:
    """The problems of a setting and its value, said where a sweep writes them; of an unknown setting at its key."""
    at = "value" if _known(path, kind_of(path, catalogue)) else "key"
    yield from (document.problem(where, p.sentence, at=at) for p in edit_problems(path, value, catalogue=catalogue))


def _known(path: str, kind: str) -> bool:
    """Whether a path names a setting, or a method to add."""
    return bool(kind) or (path.startswith("methods.") and path.count(".") == 1)


def shown_problems(document: Document, show: Sequence[str], catalogue: Catalogue) -> Iterator[Problem]:
    """What `show` names of a method that the method does not measure; other names are known when runs have said them."""
    for n, name in enumerate(show):
        method, dot, measured = name.partition(".")
        if dot and method not in catalogue.methods:
            yield document.problem(f"show.{n}", f"there is no method {method!r}{did_you_mean(method, catalogue.methods)}")
        elif dot:
            card = catalogue.methods[method]
            known = [*(w.name for w in card.watches if w.kind == "curve"), *(t.name for t in card.terms)]
            if measured not in known:
                hint = did_you_mean(measured, known) or f"; there are {', '.join(known)}"
                yield document.problem(f"show.{n}", f"{card.title} measures no number called {measured!r}{hint}")


def condition_problems(
    document: Document, conditions: Mapping[str, Sequence[Mapping[str, Any]]], catalogue: Catalogue
) -> list[Problem]:
    """What is wrong with the settings that `only` and `except` name, and with their values."""
    return [
        problem
        for key, listed_ in conditions.items()
        for n, condition in enumerate(listed_)
        for path, allowed in condition.items()
        for value in (allowed if isinstance(allowed, list) else [allowed])
        for problem in _moved(document, f"{key}.{n}.{path}", path, value, catalogue)
    ]
