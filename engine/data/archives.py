"""Members taken out of downloaded archives: only those wanted, each under its final name only when it is whole."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from engine.data.courier import Courier
from engine.decoding.images import DataError
from engine.runs.lock import LockedError, locked

BROKEN = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error)
"""What reading an archive raises that is cut off, damaged or something else."""


@contextmanager
def sound(archive: Path) -> Iterator[None]:
    """Say as a sentence what is wrong with an archive. Raises DataError."""
    try:
        yield
    except BROKEN as error:
        raise DataError(f"{archive} is cut off or damaged ({error}); delete it and fetch it again") from error


def members(archive: Path, wanted: frozenset[str]) -> dict[str, bytes]:
    """The contents of files in a .tar.gz, by their names in it; those that it lacks are left out. Raises DataError."""
    found = {}
    with sound(archive), tarfile.open(archive, "r|gz") as file:
        for member in file:
            if member.name in wanted and (content := file.extractfile(member)) is not None:
                found[member.name] = content.read()
    return found


def take_out(archive: Path, wanted: Mapping[str, Path], courier: Courier) -> None:
    """Write files of a .tar.gz to their places. Raises DataError for a file that it lacks, Stopped."""
    what, left = f"unpacking {archive.name}", dict(wanted)
    with sound(archive), tarfile.open(archive, "r|gz") as file:
        for member in file:
            place = left.pop(member.name, None)
            content = None if place is None else file.extractfile(member)
            if place is None or content is None:
                continue
            courier.say(what, len(wanted) - len(left) - 1, len(wanted), "files")
            place.parent.mkdir(parents=True, exist_ok=True)
            new = place.with_name(f"{place.name}.{os.getpid()}.new")
            with new.open("wb") as target:
                shutil.copyfileobj(content, target)
            new.replace(place)
    if left:
        raise DataError(f"{archive} holds no {next(iter(left))}; delete it and fetch it again")
    courier.say(what, len(wanted), len(wanted), "files")


def unpack(archive: Path, folder: Path, courier: Courier) -> None:
    """Unpack the top folder `folder.name` of a .zip into `folder`, which appears only when all of it is there. Raises
    DataError, Stopped."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(f"{folder.name}.lock")
    try:
        with locked(lock):
            if not folder.is_dir():
                _unpack(archive, folder, courier)
    except LockedError as error:
        raise DataError(f"{folder} is being unpacked by another process; wait for it, then try again") from error
    lock.unlink(missing_ok=True)


def _unpack(archive: Path, folder: Path, courier: Courier) -> None:
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)  # left over where an earlier process was killed
    with sound(archive), zipfile.ZipFile(archive) as file:
        inside = [entry for entry in file.infolist() if PurePosixPath(entry.filename).parts[:1] == (folder.name,)]
        _check_room(archive, sum(entry.file_size for entry in inside), folder.parent)
        for number, entry in enumerate(inside):
            if number % 200 == 0:
                courier.say(f"unpacking {archive.name}", number, len(inside), "files")
            file.extract(entry, new)
    if not inside:
        raise DataError(f"{archive} holds no folder {folder.name}; delete it and fetch it again")
    (new / folder.name).replace(folder)
    shutil.rmtree(new)
    courier.say(f"unpacking {archive.name}", len(inside), len(inside), "files")


def _check_room(archive: Path, need: int, where: Path) -> None:
    free = shutil.disk_usage(where).free
    if need > free:
        raise DataError(
            f"{archive.name} unpacks to {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are free in {where}; make room there, or "
            "choose a folder with the unpacked images as dataset.root"
        )
