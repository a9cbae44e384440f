"""The stored experiment of a run: read without asking the catalogue, so that an old run opens whatever has changed since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.experiment import Experiment
from engine.presets import PresetError, Problem, Resolved
from engine.presets.dialect import Document
from engine.presets.places import read
from engine.presets.schema import migrated


def stored(path: Path) -> Resolved:
    """The experiment in a run folder. Raises PresetError where the file is damaged."""
    document = migrated(read(path))
    if isinstance(document, Problem):
        raise PresetError([document])
    tree: dict[str, Any] = {k: v for k, v in document.tree.items() if k != "origins"}
    try:
        experiment = Experiment.model_validate(tree)
    except ValidationError as error:
        raise PresetError(_problem(document, e) for e in error.errors()) from error
    origins = {str(k): str(v) for k, v in (document.tree.get("origins") or {}).items()}
    return Resolved(experiment, origins, {}, path.parent.name, path)


def _problem(document: Document, error: Any) -> Problem:
    return document.problem(".".join(str(part) for part in error["loc"]), str(error["msg"]))
