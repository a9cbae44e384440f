"""What came of reading a file from elsewhere: a preset, and what of the file is not in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Left:
    """A key of the file that did not come along, where it stands (line 0: it was not written there), and why."""

    key: str
    value: Any
    sentence: str
    line: int = 0

    def __str__(self) -> str:
        """`SOLVER.TRAINER = dot (line 17): there is no such trainer here`."""
        where = f" (line {self.line})" if self.line else ""
        return f"{self.key} = {self.value}{where}: {self.sentence}"


@dataclass(frozen=True)
class Imported:
    """A preset as a tree, from the file `source`. `left` are keys that were not understood, `aside` those that were but change
    nothing here, `notes` sentences on what to look at before a run."""

    tree: Mapping[str, Any]
    source: str
    left: tuple[Left, ...] = ()
    aside: tuple[Left, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def title(self) -> str:
        """What the preset is called."""
        return str(self.tree.get("title", ""))

    @property
    def name(self) -> str:
        """A preset's name made of the title."""
        return "experiments/" + (re.sub(r"[^a-z0-9.]+", "-", self.title.lower()).strip("-.") or "imported")
