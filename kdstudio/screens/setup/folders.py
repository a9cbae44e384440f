"""What a folder that was dropped into the window is to the form: whose images it holds, found out by a few names in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

MOST = 200
"""Names looked at in one folder."""
OFFICIAL = {
    "-idx3-ubyte": ("fashion-mnist", "mnist"),
    "cifar-10-batches": ("cifar10",),
    "cifar-100-python": ("cifar100",),
    "tiny-imagenet-200": ("tiny-imagenet",),
    "wnids.txt": ("tiny-imagenet",),
}
"""Part of a name in the official files -> the datasets they may be of; a folder or an archive, or what lies in one."""


def dataset_of(folder: Path, present: str) -> str:
    """The dataset whose images a folder holds: official files are known by their names (those of several datasets are of the
    `present` one where it is among them), else one subfolder a class makes an image folder, and images without subfolders are
    unlabelled. Empty where there are none. Raises OSError where the folder cannot be read."""
    names = [entry.name for entry in _entries(folder)]
    for part, keys in OFFICIAL.items():
        if any(part in name for name in (*names, folder.name)):
            return present if present in keys else keys[0]
    root = folder / "train" if "train" in names else folder
    if any(entry.is_dir() and _has_images(Path(entry.path)) for entry in _entries(root)):
        return "folder"
    return "unlabelled" if _has_images(folder) else ""


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """The first names in a folder."""
    with os.scandir(folder) as found:
        yield from islice(found, MOST)


def _has_images(folder: Path) -> bool:
    """Whether images lie in a folder itself."""
    from engine.decoding.images import ENDINGS

    return any(Path(entry.name).suffix.lower() in ENDINGS for entry in _entries(folder))
