"""What a sweep has run: `sweep.json` names, for each entry by the digest of all that matters in it, the run of each seed.

How far a run has come is not written here: its own folder says so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from engine.runs import RunFolder, State
from engine.sweeps.entries import Entry
from engine.whole import write_whole

VERSION = 1

FOLDER = "sweeps"
"""Where sweeps keep what they know and report, among the runs."""


class SweepError(ValueError):
    """What a sweep keeps of itself cannot be read; the sentence says where and what to do."""


def folder_of(home: Path, stem: str) -> Path:
    """Where a sweep keeps what it knows and reports."""
    return home / FOLDER / stem


class Progress:
    """The runs of one sweep. Entries that its file no longer has are kept: they may come back, and their runs are there."""

    def __init__(self, home: Path, stem: str) -> None:
        """What is kept under `home`, the folder of the runs. Raises SweepError for a damaged file."""
        self.home, self.folder = home, folder_of(home, stem)
        self.path = self.folder / "sweep.json"
        self._titles: dict[str, str] = {}
        self._runs: dict[str, dict[int, str]] = {}
        if self.path.is_file():
            self._load()

    def _load(self) -> None:
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
            version = int(data["version"])
            for entry in data["entries"] if version <= VERSION else ():
                self._titles[str(entry["key"])] = str(entry["title"])
                self._runs[str(entry["key"])] = {int(seed): _plain(run) for seed, run in entry["runs"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SweepError(f"{self.path} is damaged ({error}); move it away to begin the sweep anew") from error
        if version > VERSION:
            raise SweepError(f"{self.path} was written by a newer kdstudio; update kdstudio")

    def began(self, entry: Entry, seed: int, run: str) -> None:
        """Remember that a seed of an entry is run in the folder `run`; on disk when this returns."""
        self._titles[entry.key] = entry.title
        self._runs.setdefault(entry.key, {})[seed] = run
        kept = [
            {"key": key, "title": self._titles[key], "runs": {str(s): name for s, name in sorted(runs.items())}}
            for key, runs in self._runs.items()
        ]
        write_whole(self.path, json.dumps({"version": VERSION, "entries": kept}, indent=1).encode("utf-8"))

    def run_of(self, entry: Entry, seed: int) -> Path | None:
        """The folder in which a seed of an entry was run; None where it was not, or where the folder is gone."""
        name = self._runs.get(entry.key, {}).get(seed)
        path = self.home / name if name else None
        return path if path is not None and (path / "experiment.yaml").is_file() else None

    def state_of(self, entry: Entry, seed: int) -> State | None:
        """What became of a seed of an entry; None where it was never run."""
        path = self.run_of(entry, seed)
        return None if path is None else RunFolder.open(path).state()

    def left(self, entry: Entry) -> list[int]:
        """The seeds of an entry that are not done."""
        return [seed for seed in entry.seeds if self.state_of(entry, seed) != "done"]

    def others(self, entries: Sequence[Entry]) -> list[tuple[str, Path]]:
        """Title, and one run that is there, of every entry that was run and is none of these."""
        known = {entry.key for entry in entries}
        found = list[tuple[str, Path]]()
        for key, runs in self._runs.items():
            folders = [self.home / name for name in runs.values() if (self.home / name / "experiment.yaml").is_file()]
            if key not in known and folders:
                found.append((self._titles[key], folders[0]))
        return found


def _plain(name: str) -> str:
    """The name of a folder. Raises ValueError for a path that leads elsewhere."""
    if Path(name).name != name or name in ("", ".", ".."):
        raise ValueError(f"{name!r} is no name of a run")
    return name


def edits(progress: Progress, entries: Sequence[Entry]) -> list[tuple[Entry, Path]]:
    """The entries that were run before with other settings, each with such a run: their file was edited, or `--set` differs."""
    before = dict(progress.others(entries))
    return [(e, before[e.title]) for e in entries if e.title in before and not any(progress.run_of(e, s) for s in e.seeds)]
