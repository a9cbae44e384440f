"""What each overlay of a preset says of one setting, from the default up: not only who had the last word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine import extras
from engine.cards import Catalogue
from engine.experiment import SECTIONS, section_of, section_specs
from engine.presets.places import locate, read
from engine.presets.resolving import checked
from engine.presets.schema import Tree, method_specs
from engine.presets.stack import DEFAULT


def layers(preset: str | Path, path: str, *, catalogue: Catalogue | None = None) -> tuple[tuple[str, Any], ...]:
    """Origins and values of the setting at a dotted path: `default`, then every preset that says something of it, in the order
    in which they are laid. Raises PresetError for a preset that cannot be read, KeyError for what is no setting."""
    known = catalogue or extras.catalogue()
    name, file = locate(preset)
    return ((DEFAULT, _default(path, known)), *_said(name, file, path, known))


def _said(name: str, file: Path, path: str, catalogue: Catalogue) -> Iterator[tuple[str, Any]]:
    document = checked(read(file), catalogue)
    for wanted in document.tree.get("extends") or ():
        yield from _said(*locate(wanted, file.parent), path, catalogue)
    yield from ((name, value) for value in _in(document.tree, path))


def _in(tree: Tree, path: str) -> Iterator[Any]:
    """What one file says of it."""
    section, _, name = path.rpartition(".")
    if section in SECTIONS:
        said = [section_of(tree, section)]
    else:
        method = section.removeprefix("methods.")
        said = [(tree.get(key) or {}).get(method) or {} for key in ("defaults_for", "methods")]
    yield from (each[name] for each in said if name in each)


def _default(path: str, catalogue: Catalogue) -> Any:
    section, _, name = path.rpartition(".")
    specs = section_specs(section) if section in SECTIONS else method_specs(section.removeprefix("methods."), catalogue)
    return {spec.name: spec.default for spec in specs}[name]
