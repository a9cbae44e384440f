"""A plain `pytest` is right everywhere: offscreen, on folders of its own, and nothing of the user's is touched."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process for each core already; read when torch loads

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy machine is no defect
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent
MOST = 8
"""Processes that a whole test run is shared out to at most: each holds torch and Qt."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A process for each core where the whole suite is run, none beside pytest's own where someone named tests."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return min(MOST, os.cpu_count() or 1) if whole else 0


@pytest.fixture(scope="session", autouse=True)
def own_user_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The user's data, configuration and cache folders are new ones for the whole test run."""
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        os.environ[variable] = str(tmp_path_factory.mktemp(variable.lower()))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; the test is skipped where there is none."""
    path = Path(os.environ.get("KDSTUDIO_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip("the real data is not here; set KDSTUDIO_DATA to its folder")
    return path
