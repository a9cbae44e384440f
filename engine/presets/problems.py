"""What is wrong with a preset, said so that a person can mend it: where it stands, and a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `path` is the dotted setting it concerns (empty: the whole preset); `file` is what the
    person knows the file by, `line` and `column` count from 1 and are 0 where nothing was read from a file."""

    path: str
    sentence: str
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`experiments/x.yaml:12:3: training.epoch: there is no such setting; did you mean 'epochs'?`."""
        where = f"{self.file}:{self.line}:{self.column}" if self.file and self.line else self.file
        return ": ".join(part for part in (where, self.path, self.sentence) if part)


class PresetError(ValueError):
    """A preset that cannot be used; `problems` holds every reason found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """All that is wrong; the message has one line for each."""
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))
