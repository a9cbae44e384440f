"""A run as one row of the table: read from its folder, and kept as text in the index."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engine.events import Evaluated, RunStarted, WeightMoved
from engine.runs import disk, marks
from engine.runs.folder import State
from engine.runs.log import Log

POINTS = 32
"""Of a run's curve in the table."""

_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the stored experiments are our own, and there may be thousands


@dataclass(frozen=True)
class RunRow:
    """One run in the table. `started` is unix time, `seconds` of running without pauses; accuracies in percent:
    `top1_last` of the last epoch, `top1_best` of the chosen one. `parent` is the run whose student it started from, `origin`
    which state of it; `size` in bytes; `curve` the accuracy over the epochs, thinned; `moved` the terms whose weights a person
    moved while it went on. `results` are those of its end,
    `settings` its whole experiment by dotted names."""

    name: str
    path: Path
    state: State
    title: str = ""
    started: float = 0.0
    seconds: float = 0.0
    dataset: str = ""
    student: str = ""
    teacher: str = ""
    methods: tuple[str, ...] = ()
    seed: int = 0
    group: str = ""
    top1_last: float | None = None
    top1_best: float | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    archived: bool = False
    parent: str = ""
    origin: str = ""
    size: int = 0
    curve: tuple[float, ...] = ()
    moved: tuple[str, ...] = ()
    results: Mapping[str, Any] = field(default_factory=dict, hash=False)
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)


def read(path: Path) -> RunRow:
    """The row of the run in a folder, from its files."""
    log = Log(path / "events.jsonl")
    started = next((e for e in log.of_kinds(RunStarted) if isinstance(e, RunStarted)), None)
    ended = log.last_word()
    said, marked = _said(path / "experiment.yaml"), marks.read(path)
    results = dict(ended.results) if ended else {}
    heard = log.of_kinds(Evaluated, WeightMoved)
    shown = _shown([e for e in heard if isinstance(e, Evaluated)])
    last, best = _accuracies(shown, _named(said, "run", "selection"))
    from_run = _named(said, "student", "source") == "run"
    return RunRow(
        name=path.name,
        path=path,
        state=ended.outcome if ended else "interrupted",
        title=marked.title or (started.title if started else str(said.get("title") or path.name)),
        started=started.at if started else 0.0,
        seconds=log.clock(),
        dataset=_named(said, "dataset", "name"),
        student=_named(said, "student", "net"),
        teacher=_named(said, "teacher", "net"),
        methods=tuple(said.get("methods") or ()),
        seed=started.seed if started else 0,
        group=started.group if started else "",
        top1_last=results.get("top1_last", last),
        top1_best=results.get("top1", best),
        tags=marked.tags,
        note=marked.note,
        archived=marked.archived,
        parent=Path(_named(said, "student", "run")).name if from_run else "",
        origin=_named(said, "student", "checkpoint") if from_run else "",
        size=disk.use(path).total,
        curve=thinned([value for _, value in sorted(next(iter(shown.values()), {}).items())]),
        moved=tuple(sorted({e.term for e in heard if isinstance(e, WeightMoved)})),
        results=results,
        settings=flat({k: v for k, v in said.items() if k != "origins"}),
    )


def to_text(row: RunRow) -> str:
    """A row as the index keeps it: without its place, which may change."""
    return json.dumps({k: v for k, v in asdict(row).items() if k not in ("path", "name")})


def from_text(path: Path, text: str) -> RunRow:
    """The row of the run at `path` as the index kept it."""
    data = json.loads(text)
    told = {name: tuple(data[name]) for name in ("methods", "tags", "curve", "moved")}
    settings = {sys.intern(name): value for name, value in data["settings"].items()}  # the same few names in every run
    return RunRow(**data | told | {"name": path.name, "path": path, "settings": settings})


def flat(tree: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """A tree of settings by dotted names: `training.epochs`. An empty section says nothing."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{before}{key}"
        found |= flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return found


def thinned(values: list[float], points: int = POINTS) -> tuple[float, ...]:
    """At most so many of the values, evenly, the first and the last among them."""
    if len(values) <= points:
        return tuple(values)
    return tuple(values[round(i * (len(values) - 1) / (points - 1))] for i in range(points))


def _said(path: Path) -> Mapping[str, Any]:
    """The stored experiment as a plain tree; empty where it cannot be read, so that one damaged run hides no other."""
    try:
        tree = yaml.load(path.read_bytes(), Loader=_YAML)
    except (OSError, yaml.YAMLError):
        return {}
    return tree if isinstance(tree, dict) else {}


def _named(said: Mapping[str, Any], section: str, key: str) -> str:
    inside = said.get(section)
    return str(inside.get(key, "")) if isinstance(inside, dict) else ""


Accuracies = Mapping[str, Mapping[int, float]]
"""Split -> epoch -> top-1 of the student, the split that the table shows first."""


def _shown(evaluated: list[Evaluated]) -> Accuracies:
    """The student's accuracies by split: the test images before the held-out ones."""
    by_split: dict[str, dict[int, float]] = {"test": {}, "held-out": {}}
    for event in evaluated:
        if event.who.startswith("student"):
            by_split.setdefault(event.split, {})[event.epoch] = event.top1
    return {split: found for split, found in by_split.items() if found and split in ("test", "held-out")}


def _accuracies(found: Accuracies, selection: str) -> tuple[float | None, float | None]:
    """Accuracy of the student in the last epoch and in the one that would be chosen now: on the test images where there
    are any, else on the held-out ones."""
    shown = next(iter(found.values()), None)
    if not shown:
        return None, None
    judged = {"held-out": found.get("held-out", shown), "test": shown}.get(selection, {})
    chosen = max(judged, key=lambda epoch: judged[epoch], default=max(shown))
    return shown[max(shown)], shown.get(chosen)
