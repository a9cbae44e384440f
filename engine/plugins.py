"""A user's own nets and methods: Python files in the plug-in folder, loaded by name of file and told of by file and line. No
torch here.

Files in that folder are the one thing a user writes that this program executes; no preset, checkpoint or run can name one.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args

import appdirs

FOLDER = "KDSTUDIO_PLUGINS"
"""Environment variable that names another folder of plug-ins."""

Kind = Literal["nets", "methods"]
"""What a plug-in adds: the name of its folder."""


class PluginError(ValueError):
    """A file in the plug-in folder that cannot be used; the sentence begins with the file and the line."""


def folder() -> Path:
    """Where plug-ins lie: `nets/*.py` and `methods/*.py` in the user's configuration folder. It need not exist."""
    return Path(os.environ.get(FOLDER) or appdirs.user_config_dir("kdstudio", appauthor=False)).expanduser()


def files(kind: Kind) -> tuple[Path, ...]:
    """The plug-ins of a kind, by name; files that begin with an underscore are left alone."""
    return tuple(sorted(p for p in (folder() / kind).glob("*.py") if not p.name.startswith("_")))


def sources() -> str:
    """A hash over the plug-ins as they stand; empty where there are none."""
    digest, found = hashlib.sha256(), [path for kind in get_args(Kind) for path in files(kind)]
    for path in found:
        digest.update(f"{path.parent.name}/{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16] if found else ""


def load(path: Path) -> ModuleType:
    """Execute a plug-in. Raises PluginError where that fails."""
    name = f"kdstudio_plugins.{path.parent.name}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # a .py file always has both
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while it is executed
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a user's own code may raise anything
        del sys.modules[name]
        raise PluginError(blamed(path, error)) from error
    return module


def blamed(path: Path, error: BaseException) -> str:
    """What went wrong in a plug-in, by file and line: the deepest line of the file itself that was on the way."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}, line {error.lineno}: {error.msg}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    where = f"{path}, line {lines[-1]}" if lines else str(path)
    said = (str(error).strip().splitlines() or [""])[0]
    return f"{where}: {type(error).__name__}: {said}" if said else f"{where}: {type(error).__name__}"


def culprit(error: BaseException) -> str:
    """What went wrong, by file and line, where a plug-in was on the way to it; empty where none was."""
    frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    own = [path for kind in get_args(Kind) for path in files(kind) if str(path) in frames]
    return blamed(own[-1], error) if own else ""


def line_of(path: Path, words: str) -> int:
    """The first line of a file in which some words stand; 1 where they do not."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if words in line), 1)
