"""The figures of single screens, each measured in a process of its own: real widgets, made data, no display needed.

`python -m kdstudio.bench.screens NAME` prints one screen's lines.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

NAMES = ("form", "runs", "compare", "run")
NOT_AS_ASKED = 3
"""Exit code of a child that measured everything, and found a figure worse than is asked."""


def main(environment: dict[str, str]) -> bool:
    """Measure every screen and print; whether all of it is as asked."""
    codes = [_child(name, environment) for name in NAMES]
    return not any(codes)


def _child(name: str, environment: dict[str, str]) -> int:
    """The exit code of one screen's process. Raises RuntimeError where it could not measure."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, name], env=environment, check=False, stderr=subprocess.PIPE, text=True
    )
    if done.returncode not in (0, NOT_AS_ASKED):
        raise RuntimeError(f"{name} could not be measured:\n{done.stderr}")
    return done.returncode


def one(name: str) -> bool:
    """Measure one screen here and print; whether all of it is as asked."""
    from PySide6.QtWidgets import QApplication

    from kdstudio import theme

    app = QApplication(sys.argv[:1])
    theme.start(app)
    lines = []
    for line in importlib.import_module(f"kdstudio.bench.{name}").measured():
        lines.append(line)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    return all(line.good for line in lines)


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.exit(0 if one(sys.argv[1]) else NOT_AS_ASKED)
