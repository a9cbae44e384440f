"""A lock the operating system holds for a process, so that it is gone the moment the process is, however it ended."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 1.0
"""Seconds to try for a lock: whoever asks whether a run is alive holds it for a moment."""


ROOM = 64
"""Bytes of a lock file: the one that is locked, and after it the name of the machine that held it last."""


class LockedError(RuntimeError):
    """Somebody else holds the lock."""


if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock of a file. Raises LockedError when it stays taken for `patience` seconds."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _wait_for(handle, path, time.monotonic() + patience)
        yield
    finally:
        os.close(handle)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of a file and leave this machine's name in it: another machine may see the folder, but not the lock.
    Raises LockedError as `locked`."""
    with locked(path):
        path.write_bytes((b" " + platform.node().encode("utf-8", "replace"))[:ROOM])
        yield


def holder(path: Path) -> str:
    """The name of the machine that held a lock last; empty where nobody did, or where it cannot be read."""
    try:
        return path.read_bytes()[1:ROOM].decode("utf-8", "replace")
    except OSError:
        return ""


def is_elsewhere(path: Path) -> bool:
    """Whether the last holder of a lock was another machine, of which the lock itself tells nothing here."""
    return holder(path) not in ("", platform.node()[: ROOM - 1])


def is_locked(path: Path) -> bool:
    """Whether somebody, this process included, holds the lock of a file; nobody does where nothing can be written."""
    if not path.is_file() or not os.access(path, os.W_OK):
        return False
    try:
        with locked(path, patience=0.0):
            return False
    except LockedError:
        return True


def _wait_for(handle: int, path: Path, until: float) -> None:
    while True:
        try:
            return _take(handle)
        except OSError as error:
            if time.monotonic() >= until:
                raise LockedError(f"{path} is locked: the run is being written by another process") from error
            time.sleep(0.02)
