"""Files that are there whole or not at all: written beside their place, and renamed over it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A free name beside `path`, with its ending, under which the file is written; it takes its place at the end, and nothing
    is left of it where something was raised. Who may read the file stays as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        yield beside
        if path.exists():
            shutil.copymode(path, beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file at once, flushed to the disk. A new one is as open as the person's other ones, which one of `tempfile`
    would not be."""
    with replacing(path) as beside, beside.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
