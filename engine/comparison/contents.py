"""What runs ran, beside each other: settings, in which of them they differ, which runs are one experiment on other seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.cards import Catalogue
from engine.comparison.sides import Side
from engine.experiment import Experiment
from engine.sweeps import contents

SEEDS = ("run.seed", "run.repeats")
"""Settings in which runs of one experiment differ."""

DASH = "–"


@dataclass(frozen=True)
class Setting:
    """One setting and its value in each run; `matters` says in which of them it does anything."""

    path: str
    label: str
    values: tuple[Any, ...]
    matters: tuple[bool, ...]

    @property
    def section(self) -> str:
        """Where it stands: `training`, `methods.kd`."""
        return self.path.rpartition(".")[0] or self.path

    @property
    def title(self) -> str:
        """What it is called beside others: `kd · temperature`, `teacher · net`."""
        where = self.section.removeprefix("methods.").replace(".", " · ")
        return self.label if self.section in ("methods", "training", "run") else f"{where} · {self.label}"

    @property
    def was_varied(self) -> bool:
        """Whether the runs in which it does anything do not agree on it; where it does nothing, another setting says why."""
        return len({_text(v) for v, m in zip(self.values, self.matters) if m}) > 1

    @property
    def differs(self) -> bool:
        """Whether the runs do not agree on it."""
        return len({_text(v) if m else None for v, m in zip(self.values, self.matters)}) > 1

    def words(self, n: int) -> str:
        """How it reads in the run with this number."""
        return spelled(self.values[n]) if self.matters[n] else DASH


def of(experiment: Experiment, catalogue: Catalogue) -> dict[str, Any]:
    """Every setting that matters, by path. A method that this kdstudio no longer has shows what was stored of it."""
    known = {key: values for key, values in experiment.methods.items() if key in catalogue.methods}
    found = contents.settings(experiment.model_copy(update={"methods": known}), catalogue)
    found[contents.METHODS] = tuple(experiment.methods)
    for key in experiment.methods.keys() - known.keys():
        found |= {f"methods.{key}.{name}": value for name, value in experiment.methods[key].items()}
    return found


def side_by_side(sides: Sequence[Side], catalogue: Catalogue) -> list[Setting]:
    """Every setting that matters in at least one run, sections in the order of the form; the seed is the one it ran on."""
    each = [of(side.experiment, catalogue) | {"run.seed": side.seed} for side in sides]
    paths = sorted(dict.fromkeys(path for found in each for path in found), key=_place)
    return [
        Setting(path, contents.label(path, catalogue), tuple(f.get(path) for f in each), tuple(path in f for f in each))
        for path in paths
    ]


def same(side: Side, catalogue: Catalogue) -> str:
    """What two runs share that differ only in their seed."""
    return _text({path: value for path, value in of(side.experiment, catalogue).items() if path not in SEEDS})


def varied(sides: Sequence[Side], catalogue: Catalogue) -> list[Setting]:
    """The settings other than seeds that were tried in several ways."""
    return [s for s in side_by_side(sides, catalogue) if s.was_varied and s.path not in SEEDS]


def spelled(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return " + ".join(map(spelled, value)) or "none"
    return DASH if value is None else str(value) or "empty"


ORDER = ("dataset", "teacher", "student", "methods", "training", "run")


def _place(path: str) -> int:
    first = path.partition(".")[0]
    return ORDER.index(first) if first in ORDER else len(ORDER)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
