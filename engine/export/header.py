"""What a student file says of itself, read without torch, so that rules can judge it while a person types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

FORMAT = "kdstudio student 1"


class StudentError(ValueError):
    """A file that is no student of kdstudio; the sentence names the file and what to do."""


def describe(path: str | Path) -> dict[str, Any]:
    """What a student file says of itself: `net` (how to rebuild it), `about`, and `packed`, the shapes of weights that are
    packed as bits. Raises StudentError for other files."""
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise StudentError(f"{path} cannot be read as safetensors: {error}") from error
    if metadata.get("format") != FORMAT:
        raise StudentError(f"{path} is not a student of kdstudio; name its net with --net to evaluate plain weights")
    parts = {"net": metadata["net"], "about": metadata["about"], "packed": metadata.get("packed", "{}")}
    return {name: json.loads(text) for name, text in parts.items()}


def is_student(path: Path) -> bool:
    """Whether a file is a student of kdstudio, whatever state its weights are in."""
    try:
        describe(path)
    except StudentError:
        return False
    return True
