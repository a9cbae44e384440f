"""Rules on the pair of nets: what the methods compare of the two must be there and of shapes that they can compare."""

from __future__ import annotations

from collections.abc import Iterator

from engine.pairing import Match, PairError, matches
from engine.presets import Problem
from engine.rules.case import Case


def compared(case: Case, key: str) -> tuple[Match, ...]:
    """What a method of the stack compares of the two nets, from their cards; empty where it looks at no features or there is
    no teacher net. Raises PairError where it cannot."""
    shapes = case.shapes
    if len(shapes) < 2:
        return ()
    return matches(case.methods[key].features, case.settings[key], shapes["student.net"], shapes["teacher.net"])


def _comparable(case: Case) -> Iterator[Problem]:
    for key, card in case.methods.items():
        try:
            compared(case, key)
        except PairError as error:
            path = f"methods.{key}.{error.setting}" if error.setting else "student.net"
            student, teacher = (case.nets[path].title for path in ("student.net", "teacher.net"))
            yield Problem(path, f"{card.title} cannot compare {student} with {teacher}: {error}")


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


RULES = (_comparable,)
WARNINGS = (_large_adapters,)
