"""A user's own presets as files: copied under another title, put into a bin, and taken out of it again."""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import dataclass
from pathlib import Path

from engine.presets.dialect import dump
from engine.presets.places import KINDS, SWEEPS, locate, names, read, user_folder
from engine.presets.problems import PresetError, Problem
from engine.whole import write_whole

EVERY = (*KINDS, SWEEPS)


@dataclass(frozen=True)
class Discarded:
    """A preset in the bin: its name, where it lay, where it lies."""

    name: str
    path: Path
    kept: Path


def duplicate(name: str, title: str) -> str:
    """A copy of any preset as one of the user's own, under a name made of the title that is free; gives that name. Raises
    PresetError for a preset that cannot be read, OSError for the disk."""
    _, path = locate(name, kinds=EVERY)
    kind = name.partition("/")[0]
    tree = {**read(path).tree, "title": title}
    new = free(kind, title)
    write_whole(user_folder() / f"{new}.yaml", dump(tree).encode("utf-8"))
    return new


def free(kind: str, title: str) -> str:
    """A name of this kind made of a title that no preset has yet."""
    stem = re.sub(r"[^a-z0-9.]+", "-", title.lower()).strip("-.") or "untitled"
    taken = {preset.name for preset in names((kind,))}
    every = (f"{kind}/{stem}" if n == 1 else f"{kind}/{stem}-{n}" for n in itertools.count(1))
    return next(each for each in every if each not in taken)


def dependents(name: str) -> tuple[str, ...]:
    """The presets that stand on this one and could not be opened without it."""
    found = []
    for preset in names(EVERY):
        extended = () if preset.problem else read(preset.path).tree.get("extends") or ()
        if name in extended:
            found.append(preset.name)
    return tuple(found)


def discard(name: str) -> Discarded:
    """Put one of the user's own presets into the bin, out of which `restore` takes it. Raises PresetError for a shipped one,
    OSError for the disk."""
    path = user_folder() / f"{name}.yaml"
    if not path.is_file():
        raise PresetError([Problem("", f"{name} is none of your own presets; what came with kdstudio stays")])
    kept = user_folder() / ".bin" / f"{time.time_ns()}-{path.name}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    path.replace(kept)
    return Discarded(name, path, kept)


def restore(discarded: Discarded) -> None:
    """Put a preset back from the bin. Raises PresetError where another of its name is there by now, OSError for the disk."""
    if discarded.path.exists():
        raise PresetError([Problem("", f"there is another preset {discarded.name} by now; rename or delete that one first")])
    discarded.path.parent.mkdir(parents=True, exist_ok=True)
    discarded.kept.replace(discarded.path)
