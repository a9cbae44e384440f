"""Runs gathered into contenders: one experiment over its seeds; and what one gains on another, paired over the same seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from engine.cards import Catalogue
from engine.comparison import contents
from engine.comparison.contents import Setting
from engine.comparison.sides import CompareError, Side
from engine.paired import Difference, Spread, difference, spread

ENDED = {"running": "still runs", "stopped": "was stopped", "interrupted": "was interrupted", "failed": "failed"}


@dataclass(frozen=True)
class Contender:
    """One experiment and its runs here, in the order given; of two runs on one seed the later counts."""

    title: str
    sides: tuple[Side, ...]
    apart: str = ""
    """The settings in which it differs from the others of its title; part of the title then."""

    def by_seed(self, name: str) -> dict[int, float]:
        """A number of every run that counts and has it."""
        return {side.seed: value for side in self.sides if side.counts and (value := side.value(name)) is not None}

    def spread(self, name: str) -> Spread | None:
        """Mean and deviation of a number over the seeds."""
        return spread(list(self.by_seed(name).values()))

    def median(self, name: str) -> float | None:
        """The median over the seeds: of times, in which one run that something disturbed would show."""
        values = self.by_seed(name).values()
        return statistics.median(values) if values else None

    def gain(self, name: str, baseline: Contender) -> Difference | None:
        """The paired difference of a number to the baseline's; None for the baseline itself."""
        return None if baseline is self else difference(self.by_seed(name), baseline.by_seed(name))


def contenders(sides: Sequence[Side], catalogue: Catalogue) -> list[Contender]:
    """The experiments of these runs in the order of their first runs, each with a title of its own."""
    found: dict[str, list[Side]] = {}
    for side in sides:
        found.setdefault(contents.same(side, catalogue), []).append(side)
    groups = list(found.values())
    titles = [group[0].title or group[0].name for group in groups]
    varied = contents.varied([group[0] for group in groups], catalogue) if len(set(titles)) < len(titles) else []
    apart = ["" if titles.count(title) == 1 else _apart(titles, n, varied) for n, title in enumerate(titles)]
    return [
        Contender(f"{title} · {words}" if words else title, tuple(group), words)
        for title, words, group in zip(titles, apart, groups)
    ]


def _apart(titles: list[str], n: int, varied: Sequence[Setting]) -> str:
    """The settings in which one contender differs from the others of its title; its number among them where none does."""
    alike = [k for k, other in enumerate(titles) if other == titles[n]]
    words = [f"{s.label} {s.words(n)}" for s in varied if s.matters[n] and len({s.words(k) for k in alike}) > 1]
    return " · ".join(words[:4]) or str(alike.index(n) + 1)


def contender_of(side: Side, among: Sequence[Contender]) -> Contender:
    """The contender to which a run belongs. Raises CompareError where it belongs to none."""
    found = next((c for c in among if side in c.sides), None)
    if found is None:
        raise CompareError(f"{side.name} is not among the compared runs; choose another baseline")
    return found


def remarks(sides: Sequence[Side], among: Sequence[Contender]) -> list[str]:
    """What a reader of the numbers must know: which runs are left out and why, and what weakens the pairs."""
    found = [
        f"{side.label} is left out of means and differences: the weight of {', '.join(side.moved)} was moved by hand."
        for side in sides
        if side.moved
    ]
    unfinished = [side for side in sides if side.state != "done" and not side.moved]
    found += [
        f"{side.label} is left out of means and differences: it {ENDED.get(side.state, side.state)}." for side in unfinished
    ]
    for contender in among:
        seeds = [side.seed for side in contender.sides if side.counts]
        twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
        if twice:
            words = ", ".join(map(str, twice))
            found.append(f"{contender.title} has several runs on seed {words}: the last one listed counts.")
    machines = {str(side.results["machine"]) for side in sides if "machine" in side.results}
    if len(machines) > 1:
        found.append(f"Latencies were measured on different machines ({', '.join(sorted(machines))}): measure them anew.")
    return found
