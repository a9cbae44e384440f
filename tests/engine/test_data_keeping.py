"""Decoded images are kept for the next run: the same images, decoded once, forgotten when the files change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine import data
from engine.data import DataError, Pictures, Sides, keeping
from engine.experiment import DatasetSettings


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of images that counts as large, and a cache of the test's own."""
    monkeypatch.setattr("engine.data.loading.FEW", 10)
    monkeypatch.setattr("appdirs.user_cache_dir", lambda *names, **more: str(tmp_path / "cache"))
    chance = np.random.default_rng(0)
    for part, images in (("train", 30), ("test", 10)):
        for name in ("ant", "bee"):
            (tmp_path / "pictures" / part / name).mkdir(parents=True)
            for i in range(images):
                paint(tmp_path / "pictures" / part / name / f"{i}.png", chance)
    return tmp_path / "pictures"


def paint(path: Path, chance: np.random.Generator) -> None:
    Image.fromarray(chance.integers(0, 256, (10, 10, 3), np.uint8)).save(path)


def load(root: Path, **settings) -> tuple[Pictures, int]:
    """The images, and how many were decoded for them."""
    decoded = {"train": 0}

    def tell(what: str, done: int, total: int, unit: str) -> None:
        if what == "images decoded" and done == total:
            decoded["train"] += total

    return data.load(DatasetSettings(name="folder", root=str(root), **settings), Sides(), "cpu", tell), decoded["train"]


def files() -> list[Path]:
    return sorted(keeping.folder().iterdir()) if keeping.folder().is_dir() else []


def test_images_are_decoded_once_whatever_is_held_out(root: Path) -> None:
    first, decoded = load(root, holdout=0)
    assert decoded == 80
    assert [note for note in first.notes if "it may be deleted at any time" in note]
    again, decoded = load(root, holdout=0)
    assert decoded == 0
    assert torch.equal(first.train.images, again.train.images)
    assert torch.equal(first.test.images, again.test.images)
    assert (first.mean, first.std) == (again.mean, again.std)
    other, decoded = load(root, holdout=0.2)
    assert decoded == 0
    assert len(other.train) == 48
    assert len(files()) == 2


def test_a_changed_file_another_size_and_a_damaged_copy_are_decoded_again(root: Path) -> None:
    load(root)
    paint(root / "train" / "ant" / "3.png", np.random.default_rng(9))
    assert load(root)[1] == 60
    assert load(root, size=12)[1] == 80
    for path in files():
        path.write_bytes(path.read_bytes()[:200])
    assert load(root)[1] == 80
    assert load(root)[1] == 0


def test_a_share_of_the_images_is_not_a_reason_to_decode_all(root: Path) -> None:
    assert load(root, subset=0.5, holdout=0)[1] == 30 + 20
    assert len(files()) == 1


def test_images_that_are_too_many_and_a_full_disk_keep_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr("engine.data.keeping.shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
        load(root)
    monkeypatch.setattr("engine.data.keeping.LARGEST", 1000)
    pictures, _ = load(root)
    assert files() == []
    assert not any("deleted" in note for note in pictures.notes)


def test_a_folder_that_cannot_be_written_is_said_and_the_run_goes_on(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*names: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("engine.data.keeping.np.lib.format.open_memmap", refused)
    pictures, _ = load(root)
    assert any("cannot be kept in" in note and "Permission denied" in note for note in pictures.notes)
    assert len(pictures.train) == 54


def test_a_broken_image_leaves_no_half_of_a_copy(root: Path) -> None:
    path = root / "train" / "bee" / "7.png"
    path.write_bytes(path.read_bytes()[:80])
    with pytest.raises(DataError, match=r"bee/7\.png is damaged or cut off"):
        load(root)
    assert [p for p in files() if p.suffix != ".npy"] == []


def test_what_was_not_used_for_longest_goes_first(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.keeping.MOST", 60 * 300 + 20 * 300 + 1000)
    load(root)
    old = files()
    load(root, size=8)
    left = files()
    assert len(left) < 4
    assert not set(old) <= set(left)
