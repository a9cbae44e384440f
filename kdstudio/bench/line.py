"""A line of a report: what was measured, beside what is asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A figure with its unit and how it came about; `asked` is the most it may be, where something is asked."""

    what: str
    figure: float
    unit: str
    how: str
    asked: float | None = None

    @property
    def good(self) -> bool:
        """Whether it is as asked."""
        return self.asked is None or self.figure <= self.asked

    def __str__(self) -> str:
        digits = 2 if self.unit == "s" else 1
        asked = "" if self.asked is None else f", asked: {self.asked:.3g} {self.unit}"
        return f"{self.what:<20} {self.figure:6.{digits}f} {self.unit:<4} {self.how}{asked}"
