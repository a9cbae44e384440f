"""Experiments that differ in the values of a few settings: what a sweep of fields comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import presets, sweeps
from engine.cards import Catalogue
from engine.presets import PresetError, Resolved
from engine.queue.entry import awaited

ORIGIN = "the sweep"
"""Who decided the values that a sweep tries."""


def swept(
    resolved: Resolved, axes: Sequence[Mapping[str, Any]], repeats: int, *, catalogue: Catalogue, home: Path | None = None
) -> tuple[Resolved, ...]:
    """One experiment for every combination of the axes, each on the same seeds. An axis maps dotted paths to a list or a range
    of values, as `vary` of a sweep's file does. Raises PresetError where a value cannot be, or an experiment cannot run; a run
    that an entry of the queue is still to make is taken as made."""
    experiment = resolved.experiment
    tree = presets.full_tree(experiment, catalogue=catalogue)
    tree = {**tree, "run": {**tree["run"], "repeats": repeats}, "vary": [dict(axis) for axis in axes]}
    sweep = sweeps.from_tree(tree, ORIGIN, catalogue=catalogue)
    found = sweeps.entries(sweep, catalogue=catalogue)
    expected = {f"{who}.run" for who in awaited(experiment)}
    wrong = [
        replace(p, sentence=f"{p.sentence} ({entry.title})")
        for entry in found
        for p in sweeps.refusals(entry, home=home, catalogue=catalogue)
        if p.path not in expected
    ]
    if wrong:
        raise PresetError(wrong)
    return tuple(_with_origins(resolved, entry) for entry in found)


def _with_origins(resolved: Resolved, entry: sweeps.Entry) -> Resolved:
    origins = {**resolved.origins, **dict.fromkeys(entry.varied, ORIGIN)}
    return replace(resolved, experiment=entry.resolved.experiment, origins=origins)
