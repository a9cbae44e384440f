"""Every screen looks as it did when somebody last looked at it and found it good (`python tests/snapshots.py` draws anew)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import screens
import snapshots
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from kdstudio import theme

FAR = 24
"""Levels of 255 by which a pixel may differ without being another one."""
FEW = 0.01
"""Share of other pixels that is let pass: a clock, the rim of a letter."""


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch, dressed: QApplication) -> Iterator[None]:
    """Times of day are written as where the pictures were made."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
    theme.set_mode("light")


def pixels(image: QImage) -> np.ndarray:
    """(height, width, 3), 0 to 255."""
    flat = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(flat.constBits(), np.uint8).reshape(flat.height(), flat.bytesPerLine())
    return rows[:, : 3 * flat.width()].reshape(flat.height(), flat.width(), 3).astype(np.int16)


def other(one: np.ndarray, two: np.ndarray) -> float:
    """The share of pixels that differ."""
    return float((np.abs(one - two).max(axis=2) > FAR).mean())


@pytest.mark.parametrize("scene", screens.SCENES, ids=lambda scene: scene.name)
def test_a_screen_looks_as_in_its_picture(scene: screens.Scene, tmp_path: Path) -> None:
    drawn = [(name, pixels(image)) for name, image in snapshots.pictures(tmp_path, [scene.name])]
    assert [name for name, _ in drawn] == [f"{scene.name}-light", f"{scene.name}-dark"]
    assert drawn[0][1].mean() > 170 > 85 > drawn[1][1].mean()  # light is light and dark is dark, whatever draws them
    assert all(len(np.unique(picture.astype(np.int32) @ (65536, 256, 1))) > 20 for _, picture in drawn)  # colours
    made_with = json.loads(snapshots.MADE_WITH.read_text(encoding="utf-8"))
    if made_with != snapshots.drawn_with():
        pytest.skip(f"the pictures were drawn with {made_with}; another Qt or system sets words a little differently")
    far = {name: other(picture, pixels(QImage(str(snapshots.SHELF / f"{name}.png")))) for name, picture in drawn}
    assert {name: share for name, share in far.items() if share > FEW} == {}, "python tests/snapshots.py draws them anew"


def test_the_shelf_holds_the_pictures_of_the_scenes_and_no_others() -> None:
    wanted = {f"{scene.name}-{mode}.png" for scene in screens.SCENES for mode in ("light", "dark")}
    assert {path.name for path in snapshots.SHELF.glob("*.png")} == wanted
