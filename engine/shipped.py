"""Where the presets and assets lie that travel with the program."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Literal


def place(kind: Literal["presets", "assets"]) -> Path:
    """The folder of shipped presets or assets: inside the package when installed from a wheel, else beside it."""
    root = Path(str(resources.files("engine"))).parent
    for folder in (root / "kdstudio" / "_shipped" / kind, root / kind):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the folder {kind!r} of kdstudio is missing beside {root}; install kdstudio again")
