"""What a person changed in the form, and the way back to what stood there before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Edits:
    """What the person changed: settings by dotted path, and the stack of methods where it was changed."""

    values: Mapping[str, Any] = field(default_factory=dict)
    stack: tuple[str, ...] | None = None

    def form(self, stack: Sequence[str]) -> dict[str, Any]:
        """As `presets.resolve` wants it; settings of methods that are not in the stack are left out."""
        form: dict[str, Any] = {} if self.stack is None else {"methods": {key: {} for key in self.stack}}
        return form | {p: v for p, v in self.values.items() if not p.startswith("methods.") or p.split(".")[1] in stack}


class Trail:
    """Earlier edits to go back to, and those that were taken back. Each keeps the subject of the change that followed it, so
    that typing on in one field is one step."""

    def __init__(self) -> None:
        self._past: list[tuple[str, Edits]] = []
        self._future: list[tuple[str, Edits]] = []

    def leave(self, edits: Edits, subject: str) -> None:
        """Remember edits that are about to be changed; `subject` is what is changed, empty where each change counts."""
        if not (subject and self._past and self._past[-1][0] == subject):
            self._past.append((subject, edits))
        self._future = []

    def clear(self) -> None:
        """Forget everything."""
        self._past, self._future = [], []

    @property
    def has_past(self) -> bool:
        """Whether there is a way back."""
        return bool(self._past)

    @property
    def has_future(self) -> bool:
        """Whether something was taken back."""
        return bool(self._future)

    def back(self, now: Edits) -> Edits:
        """The edits before these; these where there are none."""
        return self._travel(now, self._past, self._future)

    def forth(self, now: Edits) -> Edits:
        """The edits that were taken back last; these where none were."""
        return self._travel(now, self._future, self._past)

    def _travel(self, now: Edits, source: list[tuple[str, Edits]], target: list[tuple[str, Edits]]) -> Edits:
        if not source:
            return now
        target.append(("", now))
        return source.pop()[1]
