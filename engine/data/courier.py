"""Brings a dataset's files and says how far it is: what is common to everything that is downloaded, unpacked or decoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import appdirs

from engine.control import Stopped
from engine.decoding.images import DataError
from engine.downloads import DownloadError, Remote, fetch

Tell = Callable[[str, int, int, str], None]
"""How far it is: what, how many are done, of how many (0: unknown), counted in what."""


def home() -> Path:
    """Where downloaded datasets lie: in the user's data folder."""
    return Path(appdirs.user_data_dir("kdstudio", appauthor=False)) / "datasets"


@dataclass(frozen=True)
class Courier:
    """Tells `tell` how far it is, and raises `Stopped` soon after `stop()` has become true."""

    tell: Tell = lambda what, done, total, unit: None
    stop: Callable[[], bool] = lambda: False

    def say(self, what: str, done: int, total: int, unit: str) -> None:
        """Tell how far it is. Raises Stopped."""
        if self.stop():
            raise Stopped
        self.tell(what, done, total, unit)

    def fetch(self, remote: Remote, path: Path) -> Path:
        """The file at `path`, downloaded unless it is there. Raises DataError, Stopped."""
        what = f"downloading {path.name}"
        try:
            return fetch(remote, path, lambda done, total: self.tell(what, done, total, "bytes"), self.stop)
        except DownloadError as error:
            raise DataError(f"{error}. If you have the data elsewhere, choose its folder as dataset.root") from error
