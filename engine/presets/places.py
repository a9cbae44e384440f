"""Where presets lie and what they are called: shipped ones beside the program, a user's own in the configuration folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import appdirs

from engine.knobs import did_you_mean
from engine.presets.dialect import Document, parse
from engine.presets.problems import PresetError, Problem
from engine.shipped import place

KINDS = ("experiments", "datasets", "pairs", "methods")
"""The folders of presets; the folder is the first half of a preset's name."""

SWEEPS = "sweeps"
"""The folder of sweeps, which stand on presets and are none themselves."""

_NAME = re.compile(rf"^(?:{'|'.join(KINDS)})/[A-Za-z0-9][A-Za-z0-9_.-]*$")


@dataclass(frozen=True)
class PresetName:
    """One preset that can be picked. `problem` says why its file cannot be read, empty where it can."""

    name: str
    title: str
    kind: str
    shipped: bool
    path: Path
    problem: str = ""


def user_folder() -> Path:
    """Where a user's own presets lie, laid out like the shipped ones; made when the first is saved."""
    return Path(appdirs.user_config_dir("kdstudio", appauthor=False)) / "presets"


def names(kinds: Sequence[str] = KINDS) -> tuple[PresetName, ...]:
    """Every preset that can be picked, by kind, then name; a user's own hides a shipped one of the same name."""
    return tuple(_described(name, path, path.is_relative_to(place("presets"))) for name, path in _files(kinds).items())


def _files(kinds: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for kind in kinds:
        both = {p.stem: p for root in (place("presets"), user_folder()) for p in (root / kind).glob("*.yaml")}
        found |= {f"{kind}/{stem}": both[stem] for stem in sorted(both)}
    return found


def _described(name: str, path: Path, shipped: bool) -> PresetName:
    kind = name.partition("/")[0]
    try:
        title = str(read(path).tree.get("title") or name)
    except PresetError as error:
        return PresetName(name, name, kind, shipped, path, str(error))
    return PresetName(name, title, kind, shipped, path)


def locate(preset: str | Path, beside: Path | None = None, kinds: Sequence[str] = KINDS) -> tuple[str, Path]:
    """Name and file of a preset given by name or by path (one that ends in .yaml or .yml); a relative path in `extends`
    counts from the folder `beside`. Raises PresetError with the nearest name where there is none."""
    text = str(preset)
    if isinstance(preset, Path) or text.endswith((".yaml", ".yml")):
        path = Path(text).expanduser()
        path = path if path.is_absolute() or beside is None else beside / path
        if not path.is_file():
            raise PresetError([Problem("", f"there is no preset file {str(path)!r}")])
        return name_of(path), path
    known = _files(kinds)
    if text not in known:
        raise PresetError([Problem("", _missing(text, kinds, known))])
    return text, known[text]


def _missing(name: str, kinds: Sequence[str], known: Mapping[str, Path]) -> str:
    if SWEEPS in kinds:
        return f"there is no sweep {name!r}{did_you_mean(name, known) or '; `kdstudio list sweeps` names them all'}"
    if name in _files((SWEEPS,)):
        return f"{name!r} is a sweep; run it with `kdstudio sweep {name}`"
    return f"there is no preset {name!r}{did_you_mean(name, known) or '; `kdstudio list` names them all'}"


def name_of(path: Path) -> str:
    """What a preset file is called: `kind/stem` where presets lie, else its path."""
    for root in (user_folder(), place("presets")):
        if path.absolute().parent.parent == root.absolute() and path.parent.name in (*KINDS, SWEEPS):
            return f"{path.parent.name}/{path.stem}"
    return str(path)


def path_for(name: str) -> Path:
    """The file a user's preset of this name is saved in. Raises PresetError for a name that cannot be one, or that is a
    shipped preset's."""
    if not _NAME.match(name):
        sentence = f"{name!r} cannot name a preset; use one like 'experiments/my-first': letters, digits, - and _"
        raise PresetError([Problem("", sentence)])
    refuse_shipped(place("presets") / f"{name}.yaml")
    return user_folder() / f"{name}.yaml"


def refuse_shipped(path: Path) -> None:
    """Raise PresetError where a path is a shipped preset: those are read-only."""
    if path.is_file() and path.absolute().is_relative_to(place("presets").absolute()):
        sentence = f"{name_of(path)} came with kdstudio and is read-only; save under another name"
        raise PresetError([Problem("", sentence)])


def read(path: Path) -> Document:
    """What a preset file says. Raises PresetError where it cannot be read or is not YAML."""
    try:
        stat = path.stat()
        return _read(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise PresetError([Problem("", f"cannot be read: {error.strerror}", shown(path))]) from error


@lru_cache(maxsize=256)
def _read(path: Path, mtime_ns: int, size: int) -> Document:
    """Kept by time and size of the file: a form resolves its preset at every key pressed."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        sentence = f"is not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise PresetError([Problem("", sentence, shown(path))]) from error
    return parse(text, shown(path))


def shown(path: Path) -> str:
    """What a person knows a preset file by: `experiments/x.yaml` where it is shipped, else its path."""
    root = place("presets")
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
