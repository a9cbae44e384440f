"""Presets as text: only what differs from the overlays below, or self-contained; written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine import extras
from engine.cards import Catalogue
from engine.experiment import (
    SCHEMA,
    SECTIONS,
    Expected,
    Experiment,
    put_section,
    section_of,
    section_specs,
    settings_of,
)
from engine.presets.dialect import dump
from engine.presets.places import refuse_shipped
from engine.presets.resolving import Resolved, method_settings
from engine.presets.schema import method_specs
from engine.presets.stack import DEFAULT
from engine.whole import write_whole


def save(path: Path, resolved: Resolved, *, catalogue: Catalogue | None = None) -> None:
    """Write a preset that holds only what differs from the overlays below it; an interrupted write leaves the old file.
    Raises PresetError for a shipped preset, OSError where the folder cannot be written."""
    refuse_shipped(path)
    tree = _sparse(resolved, catalogue or extras.catalogue())
    if "extends" in tree:
        tree["extends"] = [_seen_from(path.absolute().parent, e) for e in tree["extends"]]
    write_whole(path, dump(tree).encode("utf-8"))


def differences(resolved: Resolved, *, catalogue: Catalogue | None = None) -> str:
    """What `save` would write: the overlays below, and what differs from them."""
    return dump(_sparse(resolved, catalogue or extras.catalogue()))


def to_yaml(resolved: Resolved, *, catalogue: Catalogue | None = None) -> str:
    """The experiment as one self-contained preset: every setting spelled out, nothing extended."""
    return dump(full_tree(resolved.experiment, catalogue=catalogue))


def full_tree(experiment: Experiment, *, catalogue: Catalogue | None = None) -> dict[str, Any]:
    """An experiment as a plain tree with every setting of every method in the stack spelled out."""
    known = catalogue or extras.catalogue()
    tree = experiment.model_dump(exclude_none=True)
    spelled = {m: method_settings(experiment, m, catalogue=known) for m in experiment.methods}
    tree["methods"] = {m: {k: v for k, v in s.items() if v is not None} for m, s in spelled.items()}
    return tree


def with_origins(experiment: Experiment, origins: Mapping[str, str], *, catalogue: Catalogue | None = None) -> str:
    """The text a run keeps of its experiment: self-contained, and who decided each value that is not a default."""
    decided = {path: origin for path, origin in origins.items() if origin != DEFAULT}
    return dump(full_tree(experiment, catalogue=catalogue) | {"origins": decided})


def _sparse(resolved: Resolved, catalogue: Catalogue) -> dict[str, Any]:
    experiment, below = resolved.experiment, resolved.below
    tree: dict[str, Any] = {"kdstudio": SCHEMA}
    tree |= {key: value for key in ("title", "notes") if (value := getattr(experiment, key)) != below.get(key, "")}
    if resolved.extends:
        tree["extends"] = list(resolved.extends)
    for section in SECTIONS:
        changed = _changed_section(section, experiment, section_of(below, section))
        if changed:
            put_section(tree, section, changed)
    methods = {m: _changed_method(m, experiment, below, catalogue) for m in experiment.methods}
    if tuple(methods) != tuple(below.get("methods") or ()) or any(methods.values()):
        tree["methods"] = methods
    under = Expected.model_validate(below["expected"]) if below.get("expected") else None
    if experiment.expected != under:
        tree["expected"] = experiment.expected.model_dump(exclude_defaults=True) if experiment.expected else None
    return tree


def _changed_section(section: str, experiment: Experiment, below: Mapping[str, Any]) -> dict[str, Any]:
    now = settings_of(experiment, section)
    named = [(s.name, getattr(now, s.name), below.get(s.name, s.default)) for s in section_specs(section)]
    return {name: value for name, value, under in named if value != under}


def _changed_method(method: str, experiment: Experiment, below: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    now = method_settings(experiment, method, catalogue=catalogue)
    under = (below.get("defaults_for") or {}).get(method, {})
    return {s.name: now[s.name] for s in method_specs(method, catalogue) if now[s.name] != under.get(s.name, s.default)}


def _seen_from(folder: Path, extended: str) -> str:
    """A path in `extends` as it reads from the folder the preset is saved in; names stay."""
    if not Path(extended).is_absolute():
        return extended
    return Path(os.path.relpath(extended, folder)).as_posix()
