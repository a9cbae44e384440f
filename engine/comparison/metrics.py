"""What the results of runs hold: which numbers are worth a column, how they read, and which way is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.comparison.contenders import Contender
from engine.comparison.sides import Side
from engine.paired import Difference, Spread

DASH = "–"


@dataclass(frozen=True)
class Metric:
    """One number of a run's results. `scale` is what it is divided by to be read in `unit`; `paired` says that differences to
    the baseline are shown."""

    name: str
    title: str
    unit: str = ""
    better: Literal["more", "less", ""] = ""
    form: str = ".2f"
    scale: float = 1.0
    paired: bool = False
    help: str = ""

    def words(self, value: float | None) -> str:
        """One value."""
        return DASH if value is None else _minus(format(value / self.scale, self.form))

    def spread(self, found: Spread | None) -> str:
        """`89.58 ± 0.28`; without a deviation where there is one value, or none differs."""
        if found is None:
            return DASH
        mean = self.words(found.mean)
        return mean if not found.deviation else f"{mean} ± {self.words(found.deviation)}"

    def difference(self, found: Difference | None) -> str:
        """`+0.12 [−0.30, +0.54]`; without an interval for a single pair."""
        if found is None:
            return DASH
        low_high = () if found.half is None else (found.mean - found.half, found.mean + found.half)
        mean, *ends = (_minus(format(v / self.scale, f"+{self.form}")) for v in (found.mean, *low_high))
        return f"{mean} [{ends[0]}, {ends[1]}]" if ends else mean

    def heading(self) -> str:
        """Title and unit."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


METRICS = (
    Metric("top1", "top-1", "%", "more", paired=True, help="Of the chosen epoch, whose student is exported"),
    Metric("top1_last", "top-1, last epoch", "%", "more", paired=True, help="Of the last epoch"),
    Metric("top1_highest", "top-1, highest", "%", "more", help="Of whichever epoch was best on these images: too good"),
    Metric("agreement", "agreement", "%", "more", paired=True, help="With the teacher, in the chosen epoch"),
    Metric("parameters", "parameters", "", "less", ",.0f"),
    Metric("multiply_adds", "multiply-adds", "M", "less", ",.2f", 1e6),
    Metric("bytes", "size", "kB", "less", ",.1f", 1e3, help="Of the student, packed where it is quantized"),
    Metric("milliseconds_1", "latency, 1 image", "ms", "less", ".2f", help="Measured on request, float32, all threads"),
    Metric("milliseconds_64", "latency, 64 images", "ms", "less", ".1f", help="Measured on request, float32, all threads"),
    Metric("seconds", "time", "s", "less", ",.0f", help="Of the whole run, without pauses"),
    Metric("joules", "energy", "J", "less", ",.0f"),
)
NAMES = {metric.name: metric for metric in METRICS}

ACCURACY = ("top1", "top1_last", "agreement")
"""What is worth having."""
COSTS = ("parameters", "multiply_adds", "bytes", "milliseconds_1", "milliseconds_64", "seconds", "joules")
"""What is paid for it."""


def known(sides: Sequence[Side]) -> list[Metric]:
    """The metrics of which at least one run has a value."""
    return [metric for metric in METRICS if any(side.value(metric.name) is not None for side in sides)]


def is_clear(found: Difference) -> bool:
    """Whether the 95 % interval of a difference leaves zero out."""
    return found.half is not None and abs(found.mean) > found.half


@dataclass(frozen=True)
class Cell:
    """What a table says of a contender's metric: its spread and its difference to the baseline, in words; `verdict` is better
    or worse where the interval leaves zero out."""

    value: str
    difference: str = DASH
    verdict: Literal["better", "worse", ""] = ""


def cell(contender: Contender, metric: Metric, baseline: Contender) -> Cell:
    """A metric of a contender beside the baseline's."""
    value = metric.spread(contender.spread(metric.name))
    gain = contender.gain(metric.name, baseline) if metric.paired else None
    if gain is None or not is_clear(gain):
        return Cell(value, metric.difference(gain))
    return Cell(value, metric.difference(gain), "better" if (gain.mean > 0) == (metric.better == "more") else "worse")


def _minus(text: str) -> str:
    return text.replace("-", "−")
