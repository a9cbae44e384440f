"""A plug-in of a test's own: a file in a folder, and a cache, that nothing else reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from engine import extras

Write = Callable[..., Path]
"""Takes the file's name, and what is to be replaced in its text by what."""


def writer(kind: Literal["methods", "nets"], usual: str, text: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """What writes `text`, with one thing replaced, as a plug-in under `home`, called `usual` where nothing else is told."""
    monkeypatch.setenv("KDSTUDIO_PLUGINS", str(home / "plugins"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))

    def written(name: str = usual, old: str = "", new: str = "") -> Path:
        path = home / "plugins" / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        extras.catalogue.cache_clear()
        return path

    return written


def line(path: Path, words: str) -> int:
    """The number of the first line that holds these words."""
    return next(n for n, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if words in text)
