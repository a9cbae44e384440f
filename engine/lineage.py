"""Which run a run stands on: the student of one is the teacher, or the start, of the next."""

from __future__ import annotations

from pathlib import Path

import yaml

_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the stored experiments are our own
ROLES = ("teacher", "student")

AWAITED = "queue:"
"""Before the key of an entry of the queue, where a setting names a run: the run that this entry is still to make."""

FILES = {
    "student": "student.safetensors",
    "best": "checkpoints/best.safetensors",
    "last": "checkpoints/last.safetensors",
}
"""What `student.checkpoint` may say -> the file in the folder of the run that a student starts from."""


def folder_of(run: str, home: Path) -> Path:
    """Where a run named by a setting lies: a folder, or a name under `home`."""
    given = Path(run).expanduser()
    return given if given.is_dir() else home / run


def parents(folder: Path, home: Path) -> tuple[Path, ...]:
    """The runs whose students a run took as teacher or start; none where its experiment cannot be read."""
    try:
        tree = yaml.load((folder / "experiment.yaml").read_text(encoding="utf-8"), _YAML)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return ()
    sections = [tree.get(role) for role in ROLES] if isinstance(tree, dict) else []
    named = [s["run"] for s in sections if isinstance(s, dict) and s.get("source") == "run" and isinstance(s.get("run"), str)]
    return tuple(folder_of(run, home) for run in named if run)


def circle(folder: Path, home: Path) -> tuple[str, ...]:
    """The names of runs that stand on each other in a circle, beginning and ending with the same; empty where none do."""

    def look(at: Path, behind: tuple[Path, ...]) -> tuple[str, ...]:
        here = at.resolve()
        if here in behind:
            return tuple(p.name for p in (*behind[behind.index(here) :], here))
        return next((found for p in parents(here, home) if (found := look(p, (*behind, here)))), ())

    return look(folder, ())
