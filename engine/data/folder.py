"""Any folder of images with one subfolder a class, divided into `train` and `test` (or `val`) or not at all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch

from engine.cards import DatasetCard
from engine.data import listing
from engine.data.courier import Courier
from engine.data.images import Files
from engine.data.pictures import Pile, Source
from engine.decoding.images import DataError
from engine.experiment import DatasetSettings

CARD = DatasetCard(
    key="folder",
    title="Image folder",
    summary="Your own images: one subfolder a class, inside train/ and test/ (or val/), or directly in the folder.",
    classes=0,
    channels=0,
    size=0,
    train_images=0,
    test_images=0,
    needs_folder=True,
)

EVALUATED = ("test", "val", "valid", "validation")
WORDS = ("words.txt", "LOC_synset_mapping.txt")
"""Files that give class folders readable names: a line each, the folder's name, a blank, the words."""


def read(settings: DatasetSettings, courier: Courier) -> Source:
    """The images under `settings.root`. With both test/ and val/, val/ is the held-out part."""
    root = rooted("dataset.root", settings.root)
    part = "train" if (root / "train").is_dir() else ""
    names = listing.classes(root / part)
    held = [name for name in EVALUATED if (root / name).is_dir()][:2] if part else []
    parts = [listing.of_classes(root, name, names) for name in (part, *held)]
    seen = listing.look(root, [name for files in parts for of_class in files for name in of_class], settings, courier)
    piles = [pile(root, files, seen.channels) for files in parts]
    notes = (*seen.notes, f"The test images are those of {held[0]}/.") if held else seen.notes
    return Source(
        train=piles[0], test=piles[1] if held else None, heldout=piles[2] if len(held) > 1 else None,
        class_names=in_words(root, names), side=seen.side, notes=notes,
    )  # fmt: skip


def rooted(setting: str, text: str) -> Path:
    """The folder that a setting names. Raises DataError."""
    if not text:
        raise DataError(f"{setting}: choose the folder of your images; {listing.LAYOUT}")
    root = Path(text).expanduser()
    if not root.is_dir():
        raise DataError(f"{setting}: there is no folder {root}; choose the folder of your images")
    return root


def pile(root: Path, files: Sequence[Sequence[str]], channels: int) -> Pile:
    """The files of each class as a pile; labels count the classes."""
    labels = torch.repeat_interleave(torch.arange(len(files)), torch.tensor([len(of_class) for of_class in files]))
    return Pile(labels, Files.of(root, [name for of_class in files for name in of_class], channels))


def in_words(root: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Readable names of class folders: the first of a words file's for each, with the folder's name behind it where two
    classes would be called the same. Without such a file, the folders' own names."""
    file = next((root / name for name in WORDS if (root / name).is_file()), None)
    if file is None:
        return tuple(names)
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    known = {key: words.split(",")[0].strip() for key, words in (_line(line) for line in lines) if words.strip()}
    found = [known.get(name, name) for name in names]
    often = Counter(found)
    return tuple(word if often[word] == 1 else f"{word} ({name})" for word, name in zip(found, names))


def _line(text: str) -> tuple[str, str]:
    key, *words = re.split(r"\s+", text.strip(), maxsplit=1)
    return key, words[0] if words else ""
