"""A run as a comparison reads it: who it is, what it ran, what came out. Its curves and arrays are read when wanted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.events import Event, RunStarted, Watched, WeightMoved
from engine.experiment import Experiment
from engine.presets import PresetError
from engine.runs import RunError, RunFolder, State, marks

FEWEST, MOST = 2, 20
"""So many runs are laid side by side."""

LATENCY = "latency.json"
"""Where a run keeps how quick its student was measured to be."""


class CompareError(ValueError):
    """Runs that cannot be laid side by side; the sentence says which and why."""


@dataclass(frozen=True)
class Side:
    """One run. `results` are its RunEnded's with the measured latency; `moved` names the terms whose weights were moved by hand
    while it ran, `watched` holds the records of every watch, oldest first."""

    path: Path
    title: str
    seed: int
    state: State
    experiment: Experiment
    plan: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    moved: tuple[str, ...] = ()
    watched: Mapping[str, Sequence[Watched]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of its folder, which no other run beside it has."""
        return self.path.name

    @property
    def label(self) -> str:
        """What it is called beside others."""
        return f"{self.title or self.name} · seed {self.seed}"

    @property
    def counts(self) -> bool:
        """Whether its numbers enter means and paired differences: it is done, and nobody moved a weight meanwhile."""
        return self.state == "done" and not self.moved

    def value(self, name: str) -> float | None:
        """A number of its results."""
        found = self.results.get(name)
        return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def read(path: Path) -> Side:
    """The run at `path`. Raises CompareError for a folder that is none, or whose experiment cannot be read."""
    try:
        folder = RunFolder.open(path)
        experiment = folder.experiment().experiment
    except RunError as error:
        raise CompareError(str(error)) from error
    except PresetError as error:
        raise CompareError(f"{path.name} cannot be compared: {error}") from error
    said = folder.facts()
    started = next((e for e in said if isinstance(e, RunStarted)), None)
    return Side(
        path=path,
        title=marks.read(path).title or (started.title if started else "") or experiment.title,
        seed=started.seed if started else experiment.run.seed,
        state=folder.state(),
        experiment=experiment,
        plan=started.plan if started else {},
        results={**folder.results(), **latency(path)},
        moved=tuple(dict.fromkeys(e.term for e in said if isinstance(e, WeightMoved))),
        watched=_watched(said),
    )


def read_all(paths: list[Path]) -> list[Side]:
    """Two to twenty runs, each once, in the order given. Raises CompareError for fewer, for more, and for what is no run."""
    once = list(dict.fromkeys(path.resolve() for path in paths))
    if not FEWEST <= len(once) <= MOST:
        raise CompareError(f"{FEWEST} to {MOST} runs can be laid side by side, not {len(once)}; choose others")
    return [read(path) for path in once]


def latency(path: Path) -> dict[str, Any]:
    """What was measured of a run's student, as `milliseconds_1` and so on with the `machine`; empty where nothing was. Raises
    CompareError for a damaged file."""
    file = path / LATENCY
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {"machine": str(found["machine"])} | {f"milliseconds_{n}": float(v) for n, v in found["milliseconds"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CompareError(f"{file} is damaged ({error}); delete it and measure anew") from error


def _watched(said: Sequence[Event]) -> dict[str, list[Watched]]:
    found: dict[str, list[Watched]] = {}
    for event in said:
        if isinstance(event, Watched):
            found.setdefault(event.watch, []).append(event)
    return found
