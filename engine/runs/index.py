"""All runs of a folder as rows, kept in `index.sqlite` so that thousands of them list at once.

The index holds nothing that the folders do not: it is refreshed where a log has changed, and made anew where it is
missing, damaged or of another version.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import appdirs
import yaml

from engine.events import Evaluated, RunStarted
from engine.runs.folder import RunFolder, State
from engine.runs.log import Log

VERSION = 1
"""Of the rows; an index of another version is made anew."""

_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the stored experiments are our own, and there may be thousands


@dataclass(frozen=True)
class RunRow:
    """One run in the table. `started` is unix time, `seconds` of running without pauses; accuracies in percent:
    `top1_last` of the last epoch, `top1_best` of the chosen one."""

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


def home() -> Path:
    """Where runs lie unless `--runs` says otherwise."""
    return Path(appdirs.user_data_dir("kdstudio", appauthor=False)) / "runs"


def listing(home: Path) -> list[RunRow]:
    """Every run under `home`, newest first."""
    folders = {p.name: p for p in home.iterdir() if (p / "experiment.yaml").is_file()} if home.is_dir() else {}
    if not folders:
        return []
    rows = _indexed(home, folders) if os.access(home, os.W_OK) else [_read(path) for path in folders.values()]
    return sorted((_alive(row) for row in rows), key=lambda row: (-row.started, row.name))


def _indexed(home: Path, folders: Mapping[str, Path]) -> list[RunRow]:
    """The rows of the folders, of which only those are read whose log has changed."""
    with closing(_opened(home / "index.sqlite")) as index:
        known = {name: (stamp, text) for name, stamp, text in index.execute("select name, stamp, row from runs")}
        rows = [_row(path, known.get(name)) for name, path in folders.items()]
        fresh = [(row.name, stamp, _text(row)) for row, stamp, new in rows if new]
        gone = [(name,) for name in known.keys() - folders.keys()]
        if fresh or gone:
            with index:
                index.executemany("insert or replace into runs values (?, ?, ?)", fresh)
                index.executemany("delete from runs where name = ?", gone)
    return [row for row, _, _ in rows]


def _opened(path: Path) -> sqlite3.Connection:
    """The index, empty where it was missing, damaged or of another version."""
    try:
        return _connected(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
    for part in ("", "-wal", "-shm"):
        path.with_name(path.name + part).unlink(missing_ok=True)
    return _connected(path)


def _connected(path: Path) -> sqlite3.Connection:
    index = sqlite3.connect(path, timeout=10.0)
    try:
        index.execute("pragma journal_mode = wal")
        with index:
            if index.execute("pragma user_version").fetchone()[0] != VERSION:
                index.execute("drop table if exists runs")
                index.execute(f"pragma user_version = {VERSION}")
            index.execute("create table if not exists runs (name text primary key, stamp text, row text)")
    except sqlite3.DatabaseError:
        index.close()
        raise
    return index


def _row(path: Path, known: tuple[str, str] | None) -> tuple[RunRow, str, bool]:
    """The row of a run, its stamp, and whether it had to be read anew."""
    stamp = _stamp(path / "events.jsonl")
    if known and known[0] == stamp:
        return _from_text(path, known[1]), stamp, False
    return _read(path), stamp, True


def _stamp(path: Path) -> str:
    stat = path.stat() if path.is_file() else None
    return f"{stat.st_size}:{stat.st_mtime_ns}" if stat else ""


def _alive(row: RunRow) -> RunRow:
    """The row with its present state: a run that has not ended may have died since it last said something."""
    return replace(row, state=RunFolder(row.path).state()) if row.state in ("running", "interrupted") else row


def _read(path: Path) -> RunRow:
    log = Log(path / "events.jsonl")
    started = next((e for e in log.of_kinds(RunStarted) if isinstance(e, RunStarted)), None)
    ended = log.last_word()
    evaluated = [e for e in log.of_kinds(Evaluated) if isinstance(e, Evaluated)]
    said = _said(path / "experiment.yaml")
    results = ended.results if ended else {}
    last, best = _accuracies(evaluated, _named(said, "run", "selection"))
    return RunRow(
        name=path.name,
        path=path,
        state=ended.outcome if ended else "interrupted",
        title=started.title if started else str(said.get("title") or path.name),
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
    )


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


def _accuracies(evaluated: list[Evaluated], selection: str) -> tuple[float | None, float | None]:
    """Accuracy of the student in the last epoch and in the one that would be chosen now: on the test images where there
    are any, else on the held-out ones."""
    by_split: dict[str, dict[int, float]] = {}
    for event in evaluated:
        if event.who.startswith("student"):
            by_split.setdefault(event.split, {})[event.epoch] = event.top1
    shown = by_split.get("test") or by_split.get("held-out")
    if not shown:
        return None, None
    judged = {"held-out": by_split.get("held-out", shown), "test": shown}.get(selection, {})
    chosen = max(judged, key=lambda epoch: judged[epoch], default=max(shown))
    return shown[max(shown)], shown.get(chosen)


def _text(row: RunRow) -> str:
    return json.dumps({k: v for k, v in asdict(row).items() if k not in ("path", "name")})


def _from_text(path: Path, text: str) -> RunRow:
    data = json.loads(text)
    return RunRow(**data | {"name": path.name, "path": path, "methods": tuple(data["methods"])})
