"""Comparisons that were saved: which runs, which of them is the baseline, which are hidden. One small file each."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from engine.comparison.sides import CompareError
from engine.whole import write_whole

FOLDER = "comparisons"
"""Where they lie, in the folder of the runs."""
ENDING = ".comparison.json"
VERSION = 1


@dataclass(frozen=True)
class Saved:
    """One comparison: its name, the folders of its runs, that of the baseline, and those that are hidden."""

    name: str
    runs: tuple[Path, ...]
    baseline: Path
    hidden: tuple[Path, ...] = ()


def save(home: Path, saved: Saved) -> None:
    """Write a comparison, over one of the same name. Raises CompareError for a name without a letter."""
    if not saved.name.strip():
        raise CompareError("A comparison needs a name")
    data = {
        "version": VERSION,
        "runs": [_relative(home, path) for path in saved.runs],
        "baseline": _relative(home, saved.baseline),
        "hidden": [_relative(home, path) for path in saved.hidden],
    }
    write_whole(_file(home, saved.name), json.dumps(data, indent=1).encode("utf-8"))


def load(home: Path, name: str) -> Saved:
    """A comparison by its name; its runs may be gone. Raises CompareError where it is missing or damaged."""
    path = _file(home, name)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = int(data["version"])
        if version <= VERSION:
            runs, hidden = (tuple(_absolute(home, str(p)) for p in data[key]) for key in ("runs", "hidden"))
            return Saved(name, runs, _absolute(home, str(data["baseline"])), hidden)
    except FileNotFoundError as error:
        raise CompareError(f"There is no comparison named {name!r} in {home / FOLDER}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CompareError(f"{path} is damaged ({error}); delete it and save the comparison anew") from error
    raise CompareError(f"{path} was written by a newer kdstudio; update kdstudio")


def names(home: Path) -> list[str]:
    """The names of all saved comparisons, in order."""
    found = (home / FOLDER).glob(f"*{ENDING}") if (home / FOLDER).is_dir() else ()
    return sorted(unquote(path.name.removesuffix(ENDING)) for path in found)


def delete(home: Path, name: str) -> None:
    """Forget a comparison; its runs stay."""
    _file(home, name).unlink(missing_ok=True)


def _file(home: Path, name: str) -> Path:
    return home / FOLDER / (quote(name.strip(), safe=" ") + ENDING)


def _relative(home: Path, path: Path) -> str:
    """A path as seen from the runs, where it lies among them: the folder may be moved as a whole."""
    path, home = path.resolve(), home.resolve()
    return Path(os.path.relpath(path, home)).as_posix() if path.is_relative_to(home) else path.as_posix()


def _absolute(home: Path, path: str) -> Path:
    return (home / path).resolve()
