"""What presets are about, without resolving them: by what a person looks for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.experiment import section_specs
from engine.presets.places import PresetName, read
from engine.presets.problems import PresetError


@dataclass(frozen=True)
class Gist:
    """The names that a preset and what it extends come to: dataset, nets (`none`: no teacher), methods in order; its notes, and
    where its published accuracy stands."""

    dataset: str
    teacher: str
    student: str
    methods: tuple[str, ...] = ()
    notes: str = ""
    source: str = ""


NETS = (("dataset", "name"), ("teacher", "net"), ("student", "net"))
"""Sections and settings that name something; the sections are fields of a Gist."""


def gists(found: Sequence[PresetName]) -> dict[str, Gist]:
    """The gist of each preset, by name; `found` holds also what they extend. What cannot be read or found adds nothing: those
    who open such a preset are told."""
    files = {preset.name: preset.path for preset in found}
    default = {section: next(s.default for s in section_specs(section) if s.name == name) for section, name in NETS}
    return {name: _laid(Gist(**default), path, (), files, own=True) for name, path in files.items()}


def _laid(below: Gist, path: Path, inside: tuple[Path, ...], files: Mapping[str, Path], *, own: bool) -> Gist:
    """One file laid over what is below it; its notes and its source count where it is the preset itself."""
    try:
        tree = {} if path in inside else read(path).tree
    except PresetError:
        return below
    extended = tree.get("extends")
    for wanted in extended if isinstance(extended, list) else ():
        other = _file(str(wanted), path.parent, files)
        below = _laid(below, other, (*inside, path), files, own=False) if other else below
    said: dict[str, Any] = {section: value for section, name in NETS if (value := _text(tree.get(section), name))}
    made = replace(below, **said)
    methods = tree.get("methods")
    if isinstance(methods, Mapping):
        made = replace(made, methods=tuple(str(key) for key in methods))
    if isinstance(tree.get("expected"), Mapping):
        made = replace(made, source=_text(tree["expected"], "source"))
    return replace(made, notes=str(tree.get("notes") or "")) if own else made


def _text(section: Any, name: str) -> str:
    value = section.get(name) if isinstance(section, Mapping) else None
    return value if isinstance(value, str) else ""


def _file(extended: str, folder: Path, files: Mapping[str, Path]) -> Path | None:
    """The file that an entry of `extends` means."""
    return folder / Path(extended).expanduser() if extended.endswith((".yaml", ".yml")) else files.get(extended)
