"""Failure signatures as declared checks: a sentence with its evidence, the criterion, and a fix for a copy.

A check reads the scalars a run has measured so far (`Evidence`) and either finds something or not. Criteria come from
the project's diagnostics sheet; each has a test that provokes it and one that does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Evidence = Mapping[str, "list[tuple[int, float]]"]
"""Name of a scalar -> [(epoch, value)], oldest first, of everything measured so far in this run."""


@dataclass(frozen=True)
class Found:
    """What a check saw: a sentence for the user, the numbers behind it, and the settings that would mend it."""

    sentence: str
    evidence: dict[str, float]
    fix: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """A declared failure signature. `reads` are the scalars it looks at; it is asked when one of them is measured.

    `look(evidence, settings)` gets the evidence and the experiment's resolved settings as plain data."""

    key: str
    title: str
    criterion: str
    reads: tuple[str, ...]
    look: Callable[[Evidence, Mapping[str, Any]], Found | None]
    severity: Literal["info", "warning", "error"] = "warning"


def latest(evidence: Evidence, name: str) -> float | None:
    """The newest value of a scalar, or None where it was never measured."""
    values = evidence.get(name)
    return values[-1][1] if values else None
