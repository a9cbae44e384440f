"""All runs of a folder as rows, kept in `index.sqlite` so that thousands of them list at once.

The index holds nothing that the folders do not: it is refreshed where a log, the marks or the checkpoints have changed, and
made anew where it is missing, damaged or of another version.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import appdirs

from engine.runs import marks, rows
from engine.runs.folder import State, is_alive
from engine.runs.rows import RunRow

VERSION = 2
"""Of the rows; an index of another version is made anew."""

STAMPED = ("events.jsonl", marks.FILE, "checkpoints")
"""What a row depends on, beside the experiment, which never changes."""

Fresh = tuple[str, str, str]
"""Name, stamp and text of a row that the index lacks."""


def home() -> Path:
    """Where runs lie unless `--runs` says otherwise."""
    return Path(appdirs.user_data_dir("kdstudio", appauthor=False)) / "runs"


def listing(home: Path) -> list[RunRow]:
    """Every run under `home`, newest first."""
    return Overview(home).look()


class Overview:
    """Follows a folder of runs: a second look reads only what has changed since the first."""

    def __init__(self, home: Path) -> None:
        """Of the runs under `home`, which need not exist yet."""
        self._home = home
        self._known: dict[str, tuple[str, RunRow]] = {}

    def look(self) -> list[RunRow]:
        """Every run there is now, newest first. Raises OSError where the folder cannot be read."""
        stamps = _stamps(self._home)
        if any(self._known.get(name, ("",))[0] != stamp for name, stamp in stamps.items()):
            self._take(stamps)
        self._known = {name: self._known[name] for name in stamps}
        found = [_alive(row) for _, row in self._known.values()]
        return sorted(found, key=lambda row: (-row.started, row.name))

    def _take(self, stamps: dict[str, str]) -> None:
        """Learn the rows that are new or have changed: from the index where it has them, else from their folders."""
        if not os.access(self._home, os.W_OK):
            self._known |= {name: (stamp, self._row(name, stamp, {})[0]) for name, stamp in stamps.items()}
            return
        with closing(_opened(self._home / "index.sqlite")) as index:
            held = {} if self._known else {name: (s, text) for name, s, text in index.execute("select * from runs")}
            fresh = list[Fresh]()
            for name, stamp in stamps.items():
                row, text = self._row(name, stamp, held)
                self._known[name] = (stamp, row)
                fresh += [(name, stamp, text)] if text else []
            gone = [(name,) for (name,) in index.execute("select name from runs") if name not in stamps]
            if fresh or gone:
                with index:
                    index.executemany("insert or replace into runs values (?, ?, ?)", fresh)
                    index.executemany("delete from runs where name = ?", gone)

    def _row(self, name: str, stamp: str, held: dict[str, tuple[str, str]]) -> tuple[RunRow, str]:
        """The row of a run, and its text where the index lacks it."""
        path = self._home / name
        if self._known.get(name, ("",))[0] == stamp:
            return self._known[name][1], ""
        if held.get(name, ("",))[0] == stamp:
            return rows.from_text(path, held[name][1]), ""
        row = rows.read(path)
        return row, rows.to_text(row)


def _stamps(home: Path) -> dict[str, str]:
    """Every run under a folder: its name -> what changes when its row does."""
    try:
        with os.scandir(home) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {name: _stamp(f"{home}/{name}") for name in names if os.path.isfile(f"{home}/{name}/experiment.yaml")}  # noqa: PTH113


def _stamp(path: str) -> str:
    """Sizes and times of what the row depends on. Texts and not Paths: there may be thousands, every two seconds."""
    return " ".join(_seen(f"{path}/{part}") for part in STAMPED)


def _seen(path: str) -> str:
    try:
        stat = os.stat(path)  # noqa: PTH116
    except OSError:
        return "-"
    return f"{stat.st_size}:{stat.st_mtime_ns}"


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


def _alive(row: RunRow) -> RunRow:
    """The row with its present state: a run that has not ended may have died since it last said something."""
    if row.state not in ("running", "interrupted"):
        return row
    state: State = "running" if is_alive(row.path) else "interrupted"
    return row if row.state == state else replace(row, state=state)
