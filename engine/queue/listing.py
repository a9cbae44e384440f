"""The entries in their order, and what was taken out of it and can be put back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.queue.entry import Entry, QueueError

VERSION = 1

KEPT = 20
"""Removals that can be taken back."""


@dataclass(frozen=True)
class Removed:
    """An entry that was taken out, and where it stood."""

    place: int
    entry: Entry


@dataclass(frozen=True)
class Listing:
    """The queue at one moment. `removed` holds what was taken out together, the last removal last."""

    entries: tuple[Entry, ...] = ()
    removed: tuple[tuple[Removed, ...], ...] = ()

    def entry(self, key: str) -> Entry | None:
        """The entry with this key; None where there is none any more."""
        return next((e for e in self.entries if e.key == key), None)

    def having(self, key: str) -> Entry:
        """The entry with this key. Raises QueueError where there is none any more."""
        found = self.entry(key)
        if found is None:
            raise QueueError("this entry is not in the queue any more; another window may have removed it")
        return found

    def changed(self, key: str, change: Callable[[Entry], Entry]) -> Listing:
        """One entry changed. Raises QueueError where there is none with this key."""
        self.having(key)
        return replace(self, entries=tuple(change(e) if e.key == key else e for e in self.entries))

    def waiting(self) -> tuple[Entry, ...]:
        """What is still to be done, in order."""
        return tuple(e for e in self.entries if e.state == "waiting")

    def running(self) -> tuple[Entry, ...]:
        """What is being done, here or in another window."""
        return tuple(e for e in self.entries if e.state == "running")

    def as_json(self) -> dict[str, Any]:
        """Plain data for the file."""
        gone = [[{"place": r.place, **r.entry.as_json()} for r in removal] for removal in self.removed]
        return {"version": VERSION, "entries": [e.as_json() for e in self.entries], "removed": gone}


def from_json(data: Mapping[str, Any]) -> Listing:
    """The inverse of `Listing.as_json`. Raises QueueError for a newer file or a damaged one."""
    try:
        if int(data["version"]) > VERSION:
            raise QueueError("it was written by a newer kdstudio; update kdstudio")
        entries = tuple(Entry.from_json(e) for e in data["entries"])
        gone = tuple(tuple(_removed(r) for r in removal) for removal in data.get("removed", ()))
    except (KeyError, TypeError, ValueError) as error:
        raise error if isinstance(error, QueueError) else QueueError(f"it is damaged ({error})") from error
    return Listing(entries, gone)


def _removed(data: Mapping[str, Any]) -> Removed:
    return Removed(int(data["place"]), Entry.from_json(data))


def keys_of(entries: Sequence[Entry]) -> set[str]:
    """Their keys."""
    return {e.key for e in entries}
