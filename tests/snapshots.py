"""Pictures of every screen in every state, in both themes, for the README and for the test beside this:

python tests/snapshots.py [NAME ...]        # all, or those of the scenes that are named
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

ROOT = Path(__file__).resolve().parents[1]
SHELF = ROOT / "assets" / "screenshots"
MADE_WITH = SHELF / "made-with.json"
"""Which Qt on which system drew them: another one sets the same words a little differently."""
SIZE = (1280, 800)
FOLDERS = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")


def drawn_with() -> dict[str, str]:
    """What decides how pixels come out, fonts aside, which are bundled."""
    import PySide6

    return {"PySide6": PySide6.__version__, "system": platform.system(), "machine": platform.machine()}


def pictures(home: Path, names: list[str]) -> Iterator[tuple[str, QImage]]:
    """A name and a picture for every scene in both themes. Needs a dressed application; `home` is a folder for runs."""
    import screens

    from kdstudio import theme

    for number, scene in enumerate(screens.SCENES):
        if names and scene.name not in names:
            continue
        for mode in ("light", "dark"):
            theme.set_mode(mode)
            folder = home / f"{number}-{mode}"
            folder.mkdir(parents=True)
            window = screens.open_window(folder, scene, SIZE)
            yield f"{scene.name}-{mode}", window.grab().toImage()
            screens.close(window)
    theme.set_mode("light")


def main(names: list[str]) -> None:
    """Draw them, each over the one of last time."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    with tempfile.TemporaryDirectory() as folder:
        for variable in FOLDERS:
            os.environ[variable] = str(Path(folder) / variable.lower())
        os.environ.update(QT_QPA_PLATFORM="offscreen", TZ="UTC")
        time.tzset()
        from PySide6.QtCore import QCoreApplication, QSettings
        from PySide6.QtWidgets import QApplication

        from kdstudio import theme

        app = QApplication(["kdstudio"])
        QCoreApplication.setOrganizationName("kdstudio")
        QCoreApplication.setApplicationName("kdstudio")
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        theme.start(app)
        SHELF.mkdir(exist_ok=True)
        for name, image in pictures(Path(folder) / "runs", names):
            image.save(str(SHELF / f"{name}.png"))
            sys.stdout.write(f"{name}\n")
        MADE_WITH.write_text(json.dumps(drawn_with(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
