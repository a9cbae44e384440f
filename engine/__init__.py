"""The engine of kdstudio: everything a run needs, without a window.

`import engine` loads neither torch nor Qt. `engine.load_student` imports torch when it is called.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

# OpenMP threads that spin while they wait collapse as soon as anything shares the cores, our own window included (a small
# net: 329 s beside a busy process, 19 s with this). OpenMP reads it once, when torch loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from pathlib import Path

    from engine.nets.net import Net

__version__ = "0.1.0"

__all__ = ["__version__", "load_student"]


def load_student(path: str | Path) -> Net:
    """A distilled student from its `student.safetensors`, ready to classify images in [0, 1]."""
    from engine.export.student import load

    return load(path)
