"""Making room: what a cleaning would remove, said first, and then removed.

Never touched: a run that goes on, one with the tag `keep`, and what a run that is not finished still starts from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.runs import bin as bins
from engine.runs import disk
from engine.runs.folder import RunError, RunFolder
from engine.runs.marks import KEEP
from engine.runs.rows import RunRow

What = Literal["run", "checkpoints", "curves"]


@dataclass(frozen=True)
class Rules:
    """What may go. `keep_last`: of each experiment (runs of one title; its seeds count as one) the newest so many stay whole,
    older ones go into the bin; 0 keeps all. `failed`: runs that failed or never reached an epoch go into the bin.
    `checkpoints` of finished runs: the student stays, but nothing can branch from them. `curves`: the copies kept to be quick,
    which are made anew when they are wanted."""

    keep_last: int = 0
    failed: bool = False
    checkpoints: bool = False
    curves: bool = False


@dataclass(frozen=True)
class Removal:
    """One thing that would go: of which run, what of it, its bytes, and why."""

    path: Path
    what: What
    size: int
    why: str


def plan(rows: Sequence[RunRow], rules: Rules) -> list[Removal]:
    """What the rules would remove of these runs, the largest first."""
    free = [row for row in rows if row.state != "running" and KEEP not in row.tags]
    whole = _whole(rows, free, rules)
    found = [Removal(row.path, "run", disk.use(row.path).total, why) for row, why in whole]
    gone = {row.path for row, _ in whole}
    needed = {row.parent for row in rows if row.state != "done" and row.parent}
    for row in free:
        if row.path not in gone:
            found += _pieces(row, rules, needed)
    return sorted((r for r in found if r.size), key=lambda r: (-r.size, r.path.name))


def carry_out(home: Path, removals: Iterable[Removal]) -> tuple[int, list[bins.Binned]]:
    """Remove what was planned: gives the bytes that are free now, and the runs that went into the bin and free theirs when it
    is emptied. A run that goes on by now is left alone. Raises RunError where something cannot be removed."""
    freed, binned = 0, list[bins.Binned]()
    for removal in removals:
        if not removal.path.is_dir() or RunFolder(removal.path).state() == "running":
            continue
        if removal.what == "run":
            binned += bins.put(home, [removal.path])
        else:
            freed += _emptied(removal.path / (disk.CHECKPOINTS if removal.what == "checkpoints" else disk.CURVES))
    return freed, binned


def _whole(rows: Sequence[RunRow], free: Sequence[RunRow], rules: Rules) -> list[tuple[RunRow, str]]:
    """Runs that would go into the bin, and why."""
    parents = {row.parent for row in rows if row.parent}
    old = _beyond(rows, rules.keep_last) if rules.keep_last else {}
    found = []
    for row in free:
        if row.name in parents:
            continue
        if rules.failed and row.state in ("failed", "interrupted") and not row.curve:
            found.append((row, "never reached an epoch" if row.state == "interrupted" else "failed before its first epoch"))
        elif row.path in old:
            found.append((row, old[row.path]))
    return found


def _beyond(rows: Sequence[RunRow], last: int) -> dict[Path, str]:
    """Runs that are older than the newest `last` of their experiment."""
    groups: dict[str, dict[str, list[RunRow]]] = {}
    for row in sorted(rows, key=lambda row: -row.started):
        groups.setdefault(row.title, {}).setdefault(row.group or row.name, []).append(row)
    return {
        row.path: f"{number}. of {len(found)} of “{title}”, newest first"
        for title, found in groups.items()
        for number, members in enumerate(found.values(), start=1)
        if number > last
        for row in members
    }


def _pieces(row: RunRow, rules: Rules, needed: set[str]) -> list[Removal]:
    found = []
    if rules.checkpoints and row.state == "done" and row.name not in needed:
        kept = disk.size(row.path / disk.CHECKPOINTS)
        found.append(Removal(row.path, "checkpoints", kept, "finished: its student stays"))
    if rules.curves:
        found.append(Removal(row.path, "curves", disk.size(row.path / disk.CURVES), "made anew when it is wanted"))
    return found


def _emptied(folder: Path) -> int:
    """Delete the files of a folder; gives their bytes."""
    freed = 0
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            size = file.stat().st_size
            file.unlink()
        except OSError as error:
            raise RunError(f"{file} cannot be deleted ({error.strerror}); let its folder be written") from error
        freed += size
    return freed
