"""Who may import whom, and what a bare import may load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def loaded_by(statement: str, *names: str) -> list[str]:
    """Which of the modules a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*[n for n in {names!r} if n in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()


def test_the_import_floors_hold() -> None:
    done = subprocess.run([Path(sys.executable).parent / "lint-imports"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "module",
    ["engine", "engine.knobs", "engine.cards", "engine.events", "engine.experiment", "engine.presets", "engine.rules",
     "engine.runs", "engine.findings", "engine.sweeps", "engine.comparison", "engine.cli"],
)  # fmt: skip
def test_what_the_window_reads_loads_neither_torch_nor_qt(module: str) -> None:
    assert loaded_by(f"import {module}", "torch", "PySide6") == []


def test_the_window_itself_loads_no_torch() -> None:
    assert loaded_by("import kdstudio.window", "torch") == []


def test_a_terminal_command_loads_no_qt() -> None:
    assert loaded_by("import kdstudio.app", "PySide6", "torch") == []
