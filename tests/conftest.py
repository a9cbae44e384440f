"""A plain `pytest` is right everywhere: offscreen, on folders of its own, and nothing of the user's is touched."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
