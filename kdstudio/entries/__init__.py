"""The screens of the window, one module each: what it is called, how it is made, and what it is wired to."""

from kdstudio.entries import compare, library, queue, run, runs, setup
from kdstudio.entries.entry import Entry

ENTRIES: tuple[Entry, ...] = (setup.ENTRY, queue.ENTRY, run.ENTRY, runs.ENTRY, compare.ENTRY, library.ENTRY)
"""In the rail's order, which is set up, queue, run, runs, compare, library. A new screen is a module here and a name in it."""

__all__ = ["ENTRIES", "Entry"]
