"""An experiment as plain settings by dotted path: which of them matter, what is the same as what, and how they read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from engine.cards import Catalogue
from engine.experiment import SECTIONS, Experiment, section_specs, settings_of
from engine.knobs import Spec, holds
from engine.presets import method_settings
from engine.presets.schema import method_specs

METHODS = "methods"
"""The path under which the stack of methods stands, as a tuple of their keys."""

ASIDE = ("run.repeats",)
"""Settings in which two contents may differ and yet be the same: how often is no part of what."""


def spec_of(path: str, catalogue: Catalogue) -> Spec | None:
    """The declaration of the setting at a dotted path; None where there is none."""
    section, _, name = path.rpartition(".")
    if section in SECTIONS:
        return next((s for s in section_specs(section) if s.name == name), None)
    _, _, method = section.partition(".")
    known = method_specs(method, catalogue) if section.startswith("methods.") and method in catalogue.methods else ()
    return next((s for s in known if s.name == name), None)


def settings(experiment: Experiment, catalogue: Catalogue) -> dict[str, Any]:
    """Every setting that matters under the others, by dotted path, and the stack of methods."""
    found: dict[str, Any] = {}
    for section in SECTIONS:
        found |= _mattering(section, section_specs(section), dict(settings_of(experiment, section)))
    found[METHODS] = tuple(experiment.methods)
    for method in experiment.methods:
        values = method_settings(experiment, method, catalogue=catalogue)
        found |= _mattering(f"methods.{method}", method_specs(method, catalogue), values)
    return found


def _mattering(section: str, specs: Iterable[Spec], values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{section}.{s.name}": values[s.name] for s in specs if holds(s.when, values)}


def key(experiment: Experiment, catalogue: Catalogue, after: str = "") -> str:
    """A digest of what an experiment does: of the settings that matter and are not at their defaults, in any order of
    sections, and of the key of the entry `after` which it starts. Title, notes and number of repeats do not count."""
    found = {
        path: value
        for path, value in settings(experiment, catalogue).items()
        if path not in ASIDE and (path == METHODS or value != _default(path, catalogue))
    }
    return hashlib.sha256(json.dumps([found, after], sort_keys=True).encode()).hexdigest()[:16]


def _default(path: str, catalogue: Catalogue) -> Any:
    spec = spec_of(path, catalogue)
    return None if spec is None else spec.default


def differences(one: Experiment, other: Experiment, catalogue: Catalogue) -> dict[str, tuple[Any, Any]]:
    """Settings in which two experiments differ, by path, and the value of each. What matters in the other alone is named where
    it is not at its default (then the first value is None), what matters in the first alone is not: another setting that
    differs says why."""
    mine, theirs = settings(one, catalogue), settings(other, catalogue)
    return {
        path: (mine.get(path), value)
        for path, value in theirs.items()
        if path not in ASIDE and value != mine.get(path) and (path in mine or value != _default(path, catalogue))
    }


def change(path: str, before: Any, after: Any) -> str:
    """A difference in words: `training.epochs 3 -> 5`, `methods none -> kd`, `methods.kd.weight 2`."""
    if path == METHODS:
        return f"methods {' + '.join(before) or 'none'} -> {' + '.join(after) or 'none'}"
    return f"{path} {after}" if before is None else f"{path} {before} -> {after}"


def words(varied: Mapping[str, Any], experiment: Experiment, catalogue: Catalogue) -> str:
    """The values that matter in words: `temperature 4 · noise matching off`; `methods.kd.temperature` where another setting
    has the same name."""
    mattering = settings(experiment, catalogue)
    shown = {path: value for path, value in varied.items() if path in mattering or spec_of(path, catalogue) is None}
    labels = {path: label(path, catalogue) for path in shown}
    twice = {name for name in labels.values() if list(labels.values()).count(name) > 1}
    return " · ".join(_phrase(path if labels[path] in twice else labels[path], value) for path, value in shown.items())


def label(path: str, catalogue: Catalogue) -> str:
    """What a form calls the setting at a path."""
    spec = spec_of(path, catalogue)
    return path if spec is None else spec.label()


def _phrase(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"{name} {'on' if value else 'off'}"
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
