"""Files from the network: streamed beside their place, resumed where they broke off, and checked before they count."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from engine import __version__
from engine.control import Stopped
from engine.runs.lock import LockedError, locked

TIMEOUT = 30.0
"""Seconds to wait for a connection, and for each piece of an answer."""
PIECE = 1 << 18
"""Bytes read at once."""
PREFIX = 8
"""Hexadecimal digits of a checksum that suffice where a publisher gives only its beginning."""

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Remote:
    """A file somewhere else. One checksum is required: `sha256` (in full, or its published beginning of 8 digits or more)
    or `md5`. `bytes` is its size where known, else 0. Raises ValueError without a checksum, or for an address that is
    not http."""

    url: str
    sha256: str = ""
    md5: str = ""
    bytes: int = 0

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError(f"{self.url!r} is no http address")
        if len(self.sha256) < PREFIX and not self.md5:
            raise ValueError(f"{self.url}: a file is fetched only against a checksum (sha256 or md5)")

    def fits(self, path: Path) -> bool:
        """Whether a file has this checksum."""
        return not self.difference(path)

    def difference(self, path: Path) -> str:
        """What is wrong with a file's checksum, in words; empty where it is right."""
        kind, wanted = ("sha256", self.sha256.lower()) if self.sha256 else ("md5", self.md5.lower())
        found = checksum(path, kind)
        return "" if found.startswith(wanted) else f"its {kind} is {found[: len(wanted)]}, published is {wanted}"


class DownloadError(ValueError):
    """A file that could not be fetched; the sentence says why and what to do."""


def checksum(path: Path, kind: str = "sha256") -> str:
    """The checksum of a file, in hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


def fetch(remote: Remote, path: Path, tell: Tell = lambda done, total: None, stop: Callable[[], bool] = lambda: False) -> Path:
    """The file at `path`, fetched unless one with the right checksum is there.

    It grows as `<name>.part`, goes on from there when it was cut, and takes its name only after the checksum. `tell(done,
    total)` counts bytes (total 0: unknown). When `stop()` becomes true, the part is kept and `Stopped` is raised. Raises
    DownloadError.
    """
    if path.is_file() and remote.fits(path):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            _complete(remote, path, tell, stop)
    except LockedError as error:
        raise DownloadError(f"{path.name} is being fetched by another process; wait for it, then try again") from error
    except OSError as error:
        raise DownloadError(f"{path.name} cannot be written into {path.parent} ({error.strerror or error})") from error
    return path


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock that keeps two processes from writing one part. Raises LockedError."""
    lock = path.with_suffix(path.suffix + ".lock")
    try:
        with locked(lock):
            yield
    finally:
        with suppress(OSError):  # another process may hold the file open; then it is that one's to remove
            lock.unlink()


def _complete(remote: Remote, path: Path, tell: Tell, stop: Callable[[], bool]) -> None:
    part = path.with_suffix(path.suffix + ".part")
    resumed = part.is_file() and part.stat().st_size > 0
    _stream(remote, part, tell, stop)
    wrong = remote.difference(part)
    if wrong and resumed:  # the beginning may be of another version of the file: once more, whole
        part.unlink()
        _stream(remote, part, tell, stop)
        wrong = remote.difference(part)
    if wrong:
        part.unlink()
        raise DownloadError(
            f"{remote.url} is not the file that was published: {wrong}. Nothing of it was kept; try again later, or put "
            f"the right file at {path}"
        )
    part.replace(path)


def _stream(remote: Remote, part: Path, tell: Tell, stop: Callable[[], bool]) -> None:
    """Bring the part to its full length. Raises DownloadError, Stopped."""
    have = part.stat().st_size if part.is_file() else 0
    if remote.bytes and have == remote.bytes:
        return
    answer = _asked(remote, part, have)
    if answer is None:  # the server says that nothing is left to send
        return
    with answer:
        have = have if answer.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        length = int(answer.headers.get("Content-Length") or 0)
        total = have + length if length else remote.bytes
        _check_room(part, total - have)
        with part.open("ab" if have else "wb") as file:
            done = _pump(answer, file, remote, have, total, tell, stop)
    if done < total:
        raise _cut(remote, done, total, "the connection was closed")


def _asked(remote: Remote, part: Path, have: int) -> http.client.HTTPResponse | None:
    """The server's answer from byte `have` on; None where it has no more than that. Raises DownloadError."""
    headers = {"User-Agent": f"kdstudio/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        return urllib.request.urlopen(urllib.request.Request(remote.url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            if have and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return None
            raise DownloadError(
                f"{remote.url} answers {error.code} {error.reason}; the file may have moved, or the server is down. Try "
                f"again later, or put the file at {part.with_suffix('')}"
            ) from error
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(
            f"{urlsplit(remote.url).hostname} cannot be reached ({_why(error)}); check the network, or fetch {remote.url} by "
            f"other means and put it at {part.with_suffix('')}"
        ) from error


def _pump(
    answer: http.client.HTTPResponse, file: BinaryIO, remote: Remote, done: int, total: int, tell: Tell,
    stop: Callable[[], bool],
) -> int:  # fmt: skip
    """Write the answer into the file; gives the length reached. Raises DownloadError, Stopped."""
    while True:
        tell(done, total)
        if stop():
            raise Stopped
        try:
            piece = answer.read1(PIECE)
        except (OSError, http.client.HTTPException) as error:
            raise _cut(remote, done, total, _why(error)) from error
        if not piece:
            return done
        file.write(piece)
        done += len(piece)


def _cut(remote: Remote, done: int, total: int, why: str) -> DownloadError:
    of = f" of {total / 1e6:.1f}" if total else ""
    return DownloadError(
        f"the download of {remote.url} broke off after {done / 1e6:.1f}{of} MB ({why}); what is there is kept, and the next "
        "try goes on from it"
    )


def _check_room(part: Path, need: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if need > free:
        raise DownloadError(
            f"{part.stem} needs {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are free in {part.parent}; make room there"
        )


def _why(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or reason) or type(error).__name__
