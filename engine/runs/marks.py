"""What a person says of a run: its name in the table, tags, a note, whether it is archived. Kept in `marks.json` beside the
run, so that it travels with the folder and no reader of the log ever sees it change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from engine.runs.folder import RunError
from engine.whole import write_whole

FILE = "marks.json"

KEEP = "keep"
"""The tag of runs that no cleaning touches."""


@dataclass(frozen=True)
class Marks:
    """What a person says of a run. `title` replaces the run's own where it is not empty; the folder keeps its name, since
    other runs and presets refer to it."""

    title: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    archived: bool = False


def read(path: Path) -> Marks:
    """The marks of the run in a folder; none where nobody made any or the file is damaged: they are an addition, and must
    not hide the run."""
    try:
        data = json.loads((path / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Marks()
    return _marks(data) if isinstance(data, dict) else Marks()


def write(path: Path, marks: Marks) -> None:
    """Keep the marks of the run in a folder, at once or not at all. Raises RunError where the folder cannot be written."""
    text = json.dumps(asdict(marks), ensure_ascii=False, indent=1)
    try:
        write_whole(path / FILE, text.encode("utf-8"))
    except OSError as error:
        raise RunError(
            f"{path / FILE} cannot be written ({error.strerror}); let the folder be written, and mark again"
        ) from error


def write_all(marked: Mapping[Path, Marks]) -> None:
    """Keep the marks of several runs. Raises RunError as `write`."""
    for path, marks in marked.items():
        write(path, marks)


def change(path: Path, **said: Any) -> Marks:
    """Change some of the marks of a run; gives what they were before. Raises RunError where the folder cannot be written."""
    before = read(path)
    after = replace(before, **said)
    write(path, replace(after, title=after.title.strip(), note=after.note.strip(), tags=tidy(after.tags)))
    return before


def tidy(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept: lower case, words joined by hyphens (so that `tag:paper-draft` can be typed), each once, in the
    order of the alphabet."""
    return tuple(sorted({"-".join(tag.lower().split()) for tag in tags if tag.strip()}))


def _marks(data: dict[str, Any]) -> Marks:
    known = {field.name for field in fields(Marks)}
    said = {name: value for name, value in data.items() if name in known}
    tags = said.get("tags")
    return Marks(
        title=str(said.get("title") or ""),
        tags=tidy(str(tag) for tag in tags) if isinstance(tags, list) else (),
        note=str(said.get("note") or ""),
        archived=said.get("archived") is True,
    )
