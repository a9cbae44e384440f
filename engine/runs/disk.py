"""What a run takes on disk, by what it is for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CHECKPOINTS, ARRAYS, CURVES = "checkpoints", "arrays", "columns"


@dataclass(frozen=True)
class Use:
    """Bytes of a run: `checkpoints` to go on from, `arrays` behind its pictures, `curves` kept to be quick (made anew when
    they are missing), and the `rest`: log, experiment, student."""

    checkpoints: int = 0
    arrays: int = 0
    curves: int = 0
    rest: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.checkpoints + self.arrays + self.curves + self.rest

    def __add__(self, other: Use) -> Use:
        return Use(
            self.checkpoints + other.checkpoints, self.arrays + other.arrays, self.curves + other.curves, self.rest + other.rest
        )


def use(path: Path) -> Use:
    """What the run in a folder takes."""
    inside = {name: size(path / name) for name in (CHECKPOINTS, ARRAYS, CURVES)}
    return Use(inside[CHECKPOINTS], inside[ARRAYS], inside[CURVES], size(path) - sum(inside.values()))


def size(path: Path) -> int:
    """Bytes of all files under a folder, or of a file; 0 where there is none. A file that goes meanwhile counts nothing."""
    try:
        if not path.is_dir():
            return path.lstat().st_size
        with os.scandir(path) as found:
            entries = list(found)
    except OSError:
        return 0
    return sum(size(Path(entry.path)) if entry.is_dir(follow_symlinks=False) else _file(entry) for entry in entries)


def _file(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0
