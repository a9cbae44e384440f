"""What a run said but for its curves and its progress: few lines among many, kept beside the log so that a long one need not be
gone through to know what was planned, recorded, found and changed by hand."""

from __future__ import annotations

import os
from pathlib import Path

from engine.events import KINDS, Evaluated, Event, Measured, Progressed, RunResumed, Step, from_line, to_line
from engine.runs.log import Log
from engine.whole import write_whole

MANY = (Step, Measured, Evaluated, Progressed)
"""Events that come again and again: the curves hold their numbers."""
FILE = "facts.jsonl"


def facts(log: Log, folder: Path) -> list[Event]:
    """Every event of other kinds that still holds, in order. The file in `folder` is used when it was made from the log as it
    is now, else made anew, unless the disk may only be read."""
    stamp = _stamp(log.path)
    found = _read(folder / FILE, stamp)
    if found is None:
        found = log.of_kinds(*(kind for kind in KINDS.values() if kind not in (*MANY, RunResumed)))
        if os.access(folder.parent, os.W_OK):
            lines = [stamp, *(to_line(event) for event in found)]
            write_whole(folder / FILE, ("\n".join(lines) + "\n").encode("utf-8"))
    return found


def _stamp(path: Path) -> str:
    stat = path.stat() if path.is_file() else None
    return f"{stat.st_size}:{stat.st_mtime_ns}" if stat else ""


def _read(path: Path, stamp: str) -> list[Event] | None:
    """The kept events, or None where there are none, they are stale, or the file is damaged."""
    try:
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        return [from_line(line) for line in lines] if first == stamp else None
    except (FileNotFoundError, ValueError):
        return None
