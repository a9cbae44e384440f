"""Run folders: written line by line, read back whole, listed fast; marked, filtered, deleted to a bin, cleaned, taken away.

folder = RunFolder.create(home(), resolved, "20250101-120000-digits-s0")
with folder.lock():
    folder.append(event)
listing(home())                                  # every run as a row, newest first
"""

from engine.runs.columns import Column
from engine.runs.folder import RunError, RunFolder, State
from engine.runs.index import Overview, home, listing
from engine.runs.lock import LockedError
from engine.runs.rows import RunRow

__all__ = ["Column", "LockedError", "Overview", "RunError", "RunFolder", "RunRow", "State", "home", "listing"]
