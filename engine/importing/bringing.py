"""Any file of settings into a preset: told apart by its keys, and kept among the user's own."""

from __future__ import annotations

import itertools
from pathlib import Path

from engine import extras, presets
from engine.cards import Catalogue
from engine.experiment import Experiment
from engine.importing import mdistiller
from engine.importing.found import Imported
from engine.presets import PresetError, Problem
from engine.presets.dialect import Document, dump
from engine.presets.places import path_for, shown, user_folder
from engine.presets.places import read as document_of
from engine.whole import write_whole


def read(path: Path, *, catalogue: Catalogue | None = None) -> Imported:
    """What a file comes to as a preset: a config of mdistiller (or of a project that took its format over), or a preset of
    kdstudio from elsewhere. Raises PresetError for anything else, and for what cannot be read."""
    known = catalogue or extras.catalogue()
    document = document_of(path)
    if mdistiller.KEYS & set(document.tree):
        return mdistiller.convert(document, path, known)
    if set(document.tree) & {*Experiment.model_fields, "extends", "defaults_for"}:
        return _preset(document, path, known)
    sentence = (
        "is neither a preset of kdstudio (dataset, student, methods, …) nor a config of mdistiller (DISTILLER, SOLVER, …); "
        "choose another file"
    )
    raise PresetError([Problem("", sentence, shown(path))])


def _preset(document: Document, path: Path, catalogue: Catalogue) -> Imported:
    """A preset from anywhere. What it extends must be here: it is looked up from the file's own folder. Raises PresetError."""
    resolved = presets.resolve(path, catalogue=catalogue)
    tree = {**document.tree, "title": resolved.experiment.title or path.stem}
    if resolved.extends:
        tree["extends"] = list(resolved.extends)
    return Imported({key: value for key, value in tree.items() if key != "origins"}, path.name)


def keep(found: Imported, name: str = "") -> Path:
    """Write an imported preset among the user's own, under a name that is free where none is asked for. Raises PresetError for
    a name that cannot be one or that is taken, OSError for the disk."""
    if name:
        path = path_for(name)
        if path.exists():
            raise PresetError([Problem("", f"there is a preset {name!r} already; choose another name, or delete that one")])
    else:
        path = _free(found.name)
    write_whole(path, dump(found.tree).encode("utf-8"))
    return path


def _free(name: str) -> Path:
    taken = {preset.name for preset in presets.names()}
    names = (name if n == 1 else f"{name}-{n}" for n in itertools.count(1))
    return user_folder() / f"{next(n for n in names if n not in taken)}.yaml"
