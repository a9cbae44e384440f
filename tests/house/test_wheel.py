"""The wheel alone, installed elsewhere, starts from there with its presets and assets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

WINDOW = """
from PySide6.QtWidgets import QApplication
app = QApplication([])
from engine import shipped
from kdstudio.app import DEFAULT, open_window
window = open_window(DEFAULT, None)
window.show()
print(shipped.place("presets"), shipped.place("assets"), window.isVisible(), sep="\\n")
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel and nothing else."""
    out, target = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    wheel = next(out.glob("*.whl"))
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return target


def run(elsewhere: Path, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(elsewhere), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, *words], env=environment, cwd=elsewhere, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_installed_window_opens_on_its_own_presets_and_assets(elsewhere: Path) -> None:
    presets, assets, visible = run(elsewhere, "-c", WINDOW).split()
    assert Path(presets).is_relative_to(elsewhere) and Path(assets).is_relative_to(elsewhere)
    assert visible == "True"


def test_the_installed_program_trains_the_default_experiment(elsewhere: Path, tmp_path: Path) -> None:
    sets = ["--set=training.epochs=1", "--set=methods.reffakd.epochs=1", "--set=dataset.subset=0.1", "--set=run.threads=1"]
    said = run(elsewhere, "-m", "kdstudio", "train", "experiments/digits-reffakd", *sets, "--runs", str(tmp_path), "--json")
    assert '"outcome": "done"' in said
    assert len(list(tmp_path.glob("*/student.safetensors"))) == 1
