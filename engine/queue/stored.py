"""The queue on disk: `queue/queue.json` beside the runs, an experiment a file, and a lock for each window that works on it.

Every change is made under a lock and written whole, so that two windows never take the same entry and a power cut leaves
the queue as it was before or after.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from engine import presets
from engine.cards import Catalogue
from engine.experiment import Experiment
from engine.presets import Resolved
from engine.queue import order
from engine.queue.entry import Entry, QueueError, awaited, gist, new_key
from engine.queue.listing import Listing, from_json, keys_of
from engine.runs.lock import LockedError, is_locked, locked
from engine.whole import write_whole

FOLDER = "queue"
PATIENCE = 5.0
"""Seconds to wait for another window that is changing the queue."""

SETTLED = 60.0
"""Seconds after which a window that was opened holds its lock for certain."""

Stamp = tuple[int, int]


class QueueFile:
    """The queue of one folder of runs."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / FOLDER
        self.path = self.folder / "queue.json"

    def stamp(self) -> Stamp:
        """What tells whether somebody has changed the queue since."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_ino)

    def read(self) -> Listing:
        """The queue as it stands. Raises QueueError for a file that cannot be read, OSError for the disk."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return Listing()
        try:
            return from_json(json.loads(text))
        except ValueError as error:
            raise QueueError(f"{self.path} cannot be read: {error}. Move it away to begin with an empty queue.") from error

    def change(self, edit: Callable[[Listing], Listing]) -> Listing:
        """Read, change and write the queue while nobody else does; gives the new one. Raises QueueError as `edit` and `read`
        do, where another process holds the queue for too long, or where the folder cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder / "lock", PATIENCE):
                before = self.read()
                after = edit(before)
                if after != before:
                    text = json.dumps(after.as_json(), indent=1, ensure_ascii=False)
                    write_whole(self.path, text.encode("utf-8"))
                    self._drop(before, after)
                return after
        except LockedError as error:
            raise QueueError("Another window holds the queue; try again in a moment.") from error
        except OSError as error:
            raise self._unwritable(error) from error

    # Experiments

    def experiment_of(self, key: str) -> Path:
        """The file of an entry's experiment: a preset like any other."""
        return self.folder / "entries" / f"{key}.yaml"

    def put(
        self, resolved: Resolved, *, key: str = "", batch: str = "", resume: str = "", estimate: float = 0.0,
        catalogue: Catalogue | None = None,
    ) -> Entry:  # fmt: skip
        """A new entry for an experiment, whose file is written; it stands in the queue once it is added. With a key, the entry
        that takes the place of the one of that key. Raises QueueError where the folder cannot be written."""
        experiment = resolved.experiment
        key = key or new_key()
        text = presets.with_origins(experiment, resolved.origins, catalogue=catalogue)
        try:
            write_whole(self.experiment_of(key), text.encode("utf-8"))
        except OSError as error:
            raise self._unwritable(error) from error
        device = experiment.run.device if experiment.run.device != "auto" else ""
        return Entry(
            key, experiment.title or "An experiment", sources=awaited(experiment), seed=experiment.run.seed,
            repeats=experiment.run.repeats, device=device, batch=batch, resume=resume, added=time.time(),
            gist=gist(experiment), estimate=estimate,
        )  # fmt: skip

    def resolved(self, key: str, *, catalogue: Catalogue | None = None) -> Resolved:
        """The experiment of an entry. Raises PresetError where it cannot be read any more."""
        return presets.resolve(self.experiment_of(key), catalogue=catalogue)

    def _drop(self, before: Listing, after: Listing) -> None:
        """Delete the experiments that nothing names any more."""
        named = _named(after)
        for key in _named(before) - named:
            self.experiment_of(key).unlink(missing_ok=True)

    def misfit(self, experiment: Experiment) -> str:
        """Why the entries that an experiment waits for do not make what it says, as a sentence; empty where they do. Raises
        PresetError where one cannot be read, QueueError where the queue cannot."""
        listing = self.read()
        for who, key in awaited(experiment).items():
            source, wanted = listing.entry(key), getattr(experiment, who).net
            made = self.resolved(key).experiment.student.net if source is not None else wanted
            if source is not None and made != wanted:
                return f"“{source.title}” makes a {made}, not a {wanted}; set {who}.net to {made}."
        return ""

    def _unwritable(self, error: OSError) -> QueueError:
        return QueueError(f"{self.folder} cannot be written ({error.strerror}); choose another folder of runs with --runs")

    # Who works on it

    def owned(self, name: str) -> Path:
        """The file whose lock a window holds while it lives."""
        return self.folder / "windows" / name

    def alive(self, name: str) -> bool:
        """Whether the window with this name still lives."""
        return is_locked(self.owned(name))

    def recover(self) -> Listing:
        """Put into line again what windows that are no more were doing. Raises QueueError, OSError."""
        made = self.change(lambda listing: order.recovered(listing, self.alive))
        owners = {e.owner for e in made.entries}
        for path in (self.folder / "windows").glob("*"):
            if path.name not in owners and time.time() - path.stat().st_mtime > SETTLED and not is_locked(path):
                path.unlink(missing_ok=True)
        return made


class Owner:
    """A window's claim to be alive, held by the operating system: gone the moment its process is, however it ended."""

    def __init__(self, queue: QueueFile) -> None:
        """Raises OSError where the folder of the queue cannot be written."""
        self.name = uuid.uuid4().hex[:12]
        self._held = ExitStack()
        path = queue.owned(self.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._held.enter_context(locked(path))
        self._path = path

    def leave(self) -> None:
        """Give the claim up."""
        self._held.close()
        self._path.unlink(missing_ok=True)


def _named(listing: Listing) -> set[str]:
    return keys_of(listing.entries) | {r.entry.key for removal in listing.removed for r in removal}
