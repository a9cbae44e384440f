"""What may be done to a queue: pure functions from one listing to the next.

Entries run in their order; one that waits for another is passed over until that is done. A failed entry leaves what depends
on it waiting, with a sentence, and holds up nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from engine.queue.entry import Entry, QueueError, State, What
from engine.queue.listing import KEPT, Listing, Removed, keys_of

FINISHED = 50
"""Entries that are over and still shown."""

INTERRUPTED = "kdstudio was closed in the middle of it; it goes on from its last checkpoint."


# Who waits for whom


def blocked(listing: Listing, entry: Entry) -> str:
    """Why a waiting entry cannot start, as a sentence; empty where it can."""
    for who, key in entry.sources.items():
        source = listing.entry(key)
        if source is None:
            return f"Its {_named(who)} was to come from an entry that is no longer in the queue; edit it, or undo the removal."
        if source.state in ("failed", "refused", "stopped"):
            ended = {"failed": "failed", "refused": "was refused", "stopped": "was stopped"}[source.state]
            return f"Waits for “{source.title}”, which {ended}; let that one run again, or take another {_named(who)}."
        if source.state != "done":
            return f"Waits for “{source.title}”, which makes its {_named(who)}."
        if not source.runs:
            return f"“{source.title}” is done and has left no run; take another {_named(who)}."
    return ""


def stuck(listing: Listing, entry: Entry) -> bool:
    """Whether an entry waits for one that will not be done by itself."""
    sources = [listing.entry(key) for key in entry.sources.values()]
    return any(s is None or (s.over and (s.state != "done" or not s.runs)) for s in sources)


def _named(who: str) -> str:
    return "student to export" if who == "run" else who


def standing_on(listing: Listing, key: str) -> tuple[Entry, ...]:
    """The entries that wait for this one, directly or through others."""
    found: list[Entry] = []
    keys = {key}
    while more := [e for e in listing.entries if e.key not in keys and keys & set(e.sources.values())]:
        found += more
        keys |= keys_of(more)
    return tuple(found)


def sources_of(listing: Listing, entry: Entry, repeat: int) -> dict[str, str]:
    """The run that each source of an entry has made: that of the same repeat where there is one, else its first."""
    made: dict[str, str] = {}
    for who, key in entry.sources.items():
        runs = listing.having(key).runs
        made[who] = runs.get(repeat) or runs[min(runs)]
    return made


# Putting in, moving, taking out


def added(listing: Listing, entries: Sequence[Entry], *, first: bool = False) -> Listing:
    """Entries put at the end, or before all that waits. Raises QueueError for one that waits for itself through others."""
    place = next((n for n, e in enumerate(listing.entries) if e.state in ("waiting", "held")), len(listing.entries))
    place = place if first else len(listing.entries)
    made = replace(listing, entries=(*listing.entries[:place], *entries, *listing.entries[place:]))
    return _without_circles(made, entries)


def replaced(listing: Listing, entry: Entry) -> Listing:
    """An entry with other settings in the place of the one with its key. Raises QueueError where it is gone, or a circle."""
    return _without_circles(listing.changed(entry.key, lambda _: entry), [entry])


def _without_circles(listing: Listing, entries: Iterable[Entry]) -> Listing:
    for entry in entries:
        if (keys_of(standing_on(listing, entry.key)) | {entry.key}) & set(entry.sources.values()):
            raise QueueError(f"“{entry.title}” would wait for itself; take its teacher or its student from another entry")
    return listing


def moved(listing: Listing, key: str, by: int) -> Listing:
    """An entry so many places down (up where negative) among those that wait; what runs or is over stays where it is."""
    movable = [n for n, e in enumerate(listing.entries) if not e.over and e.state != "running"]
    here = next((i for i, n in enumerate(movable) if listing.entries[n].key == key), None)
    if here is None:
        return listing
    return placed(listing, [key], max(0, min(len(movable) - 1, here + by)))


def placed(listing: Listing, keys: Collection[str], place: int) -> Listing:
    """Entries that wait, put together so that the first of them is the `place`th of those that wait, counted from 0."""
    slots = [n for n, e in enumerate(listing.entries) if not e.over and e.state != "running"]
    line = [listing.entries[n] for n in slots]
    carried = [e for e in line if e.key in keys]
    rest = [e for e in line if e.key not in keys]
    at = max(0, min(len(rest), place))
    new = iter([*rest[:at], *carried, *rest[at:]])
    return replace(listing, entries=tuple(next(new) if n in slots else e for n, e in enumerate(listing.entries)))


def removed(listing: Listing, keys: Collection[str]) -> Listing:
    """Entries taken out together, which `restored` puts back. Raises QueueError for one that runs."""
    gone = [Removed(n, e) for n, e in enumerate(listing.entries) if e.key in keys]
    for one in gone:
        if one.entry.state == "running":
            raise QueueError(f"“{one.entry.title}” is running; stop it first")
    if not gone:
        return listing
    left = tuple(e for e in listing.entries if e.key not in keys)
    return Listing(left, (*listing.removed, tuple(gone))[-KEPT:])


def restored(listing: Listing) -> Listing:
    """What was removed last, where it stood."""
    if not listing.removed:
        return listing
    entries = list(listing.entries)
    for one in listing.removed[-1]:
        entries.insert(min(one.place, len(entries)), one.entry.waiting() if one.entry.state == "held" else one.entry)
    return Listing(tuple(entries), listing.removed[:-1])


def cleared(listing: Listing) -> Listing:
    """Without what is over, unless something waits for it; `restored` puts it back."""
    return removed(listing, {e.key for e in listing.entries if e.over and not standing_on(listing, e.key)})


def trimmed(listing: Listing) -> Listing:
    """Without the oldest of what is over, so that no more than `FINISHED` of it stay; nothing that something waits for goes."""
    over = [e.key for e in listing.entries if e.over and not standing_on(listing, e.key)]
    gone = set(over[: max(0, len(over) - FINISHED)])
    return replace(listing, entries=tuple(e for e in listing.entries if e.key not in gone)) if gone else listing


# Taking and ending


def next_for(
    listing: Listing, device: str, served: Collection[str] = (), owner: str = "", *, what: What = "train"
) -> Entry | None:
    """The first entry that the window `owner` may run on a device (empty: the one it trains on itself); None while another
    window has a run there. One that asks for a device among those `served` besides waits for that one."""
    if what == "train" and any(e.on == device and e.what == what and e.owner != owner for e in listing.running()):
        return None
    for entry in listing.waiting():
        theirs = entry.device == device if entry.device in served else not (entry.device and device)
        if entry.what == what and theirs and not blocked(listing, entry):
            return entry
    return None


def taken(listing: Listing, key: str, owner: str, on: str = "") -> Listing:
    """An entry that runs from now on, by a window, on a device. Raises QueueError where it waits no longer, or cannot start."""
    entry = listing.having(key)
    if entry.state != "waiting":
        raise QueueError(f"“{entry.title}” is not waiting any more; another window may have taken it")
    if why := blocked(listing, entry):
        raise QueueError(why)
    return listing.changed(key, lambda e: replace(e, state="running", owner=owner, on=on, sentence=""))


def held(listing: Listing, key: str, owner: str) -> Listing:
    """An entry taken out to be edited. Raises QueueError where it does not wait, or is over."""
    entry = listing.having(key)
    if entry.state in ("running", "held"):
        doing = "is running" if entry.state == "running" else "is being edited"
        raise QueueError(f"“{entry.title}” {doing}; wait until that is over")
    return listing.changed(key, lambda e: replace(e, state="held", owner=owner))


def ended(listing: Listing, key: str, state: State, sentence: str = "", seconds: float = 0.0) -> Listing:
    """An entry that is over, or in line again. One that was removed meanwhile stays removed."""
    if listing.entry(key) is None:
        return listing
    made = listing.changed(
        key, lambda e: replace(e, state=state, owner="", on="", sentence=sentence, seconds=e.seconds + seconds)
    )
    return trimmed(made)


def again(listing: Listing, key: str) -> Listing:
    """An entry that is over, in line once more: what it has run is gone on with, unless it was done."""
    entry = listing.having(key)
    if not entry.over:
        raise QueueError(f"“{entry.title}” is not over yet")
    fresh = replace(entry, runs={}, resume="", seconds=0.0) if entry.state == "done" else entry
    return listing.changed(key, lambda _: fresh.waiting())


def made(listing: Listing, key: str, repeat: int, run: str) -> Listing:
    """Remember the folder in which a repeat of an entry is run."""
    if listing.entry(key) is None:
        return listing
    return listing.changed(key, lambda e: replace(e, runs={**e.runs, repeat: run}))


def recovered(listing: Listing, alive: Callable[[str], bool]) -> Listing:
    """What belongs to windows that are no more, in line again: runs go on from their checkpoint, edits are given up."""
    known: Mapping[str, bool] = {owner: alive(owner) for owner in {e.owner for e in listing.entries if e.owner}}

    def mend(entry: Entry) -> Entry:
        if known.get(entry.owner, True):
            return entry
        return entry.waiting(INTERRUPTED if entry.state == "running" else entry.sentence)

    return replace(listing, entries=tuple(mend(e) for e in listing.entries))
