"""Any folder of images with one subfolder a class, divided into `train` and `test` (or `val`) or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from engine.cards import DatasetCard
from engine.data.decoding import ENDINGS, Header, headers, pixels
from engine.data.pictures import DataError, Pile, Source
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
LARGEST_AS_IS = 128
USUAL = 64
LAYOUT = "put the images of each class into a folder of their own, e.g. train/cat/1.png and test/cat/2.png"


def read(settings: DatasetSettings) -> Source:
    """The images under `settings.root`. With both test/ and val/, val/ is the held-out part."""
    root = _root(settings.root)
    train = root / "train" if (root / "train").is_dir() else root
    held = [root / name for name in EVALUATED if (root / name).is_dir()] if train != root else []
    classes = _classes(train)
    parts = [_files(folder, classes) for folder in (train, *held[:2])]
    found = headers([path for part in parts for paths in part for path in paths])
    grey = _one_kind(found)
    side, notes = _side(found)
    piles = [_pile(part, grey) for part in parts]
    if held:
        notes = (*notes, f"The test images are those of {held[0].name}/.")
    return Source(
        train=piles[0], test=piles[1] if held else None, heldout=piles[2] if len(held) > 1 else None,
        class_names=classes, channels=1 if grey else 3, side=side, notes=notes,
    )  # fmt: skip


def _root(text: str) -> Path:
    if not text:
        raise DataError(f"dataset.root: choose the folder of your images; {LAYOUT}")
    root = Path(text).expanduser()
    if not root.is_dir():
        raise DataError(f"dataset.root: there is no folder {root}; choose the folder of your images")
    return root


def _folders(folder: Path) -> tuple[str, ...]:
    """The names of the subfolders, sorted; hidden ones are nobody's class."""
    return tuple(sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__"))))


def _classes(folder: Path) -> tuple[str, ...]:
    """The class folders by name. Raises DataError where there are fewer than two."""
    names = _folders(folder)
    if not names:
        loose = any(p.suffix.lower() in ENDINGS for p in folder.iterdir())
        what = "images, but no folder for each class" if loose else "no class folders"
        raise DataError(f"dataset.root: {folder} holds {what}; {LAYOUT}")
    if len(names) == 1:
        raise DataError(f"dataset.root: {folder} holds one class only, {names[0]!r}; there is nothing to tell apart. {LAYOUT}")
    return names


def _files(folder: Path, classes: Sequence[str]) -> list[list[Path]]:
    """The image files of each class, sorted. Raises DataError for a class without images or a folder too many."""
    unknown = [name for name in _folders(folder) if name not in classes]
    if unknown:
        raise DataError(f"{folder / unknown[0]} is a class without training images; add images of it to train/ or remove it")
    files = [sorted(p for p in (folder / name).rglob("*") if p.suffix.lower() in ENDINGS and p.is_file()) for name in classes]
    empty = [folder / name for name, paths in zip(classes, files) if not paths]
    if empty:
        raise DataError(
            f"{empty[0]} is a class without images; add images ({', '.join(sorted(ENDINGS))}) or remove the class everywhere"
        )
    return files


def _one_kind(found: Sequence[Header]) -> bool:
    """Whether the images are grey. Raises DataError naming the odd file where grey and colour are mixed."""
    counts = Counter(h.grey for h in found)
    if len(counts) == 2:
        rarer = min(counts, key=lambda grey: counts[grey])
        odd = next(h for h in found if h.grey is rarer)
        kind, others = ("greyscale", "in colour") if rarer else ("in colour", "greyscale")
        raise DataError(
            f"{odd.path} is {kind} among images {others} ({counts[rarer]} of {len(found)} files); "
            "convert the files to one kind (RGB or greyscale) or remove them"
        )
    return found[0].grey


def _side(found: Sequence[Header]) -> tuple[int, tuple[str, ...]]:
    """The side of the images: their own where all are squares of one moderate size, else a usual one, said in a note."""
    sizes = Counter((h.width, h.height) for h in found)
    width, height = next(iter(sizes))
    if len(sizes) == 1 and width == height <= LARGEST_AS_IS:
        return width, ()
    side = min(USUAL, int(median(min(h.width, h.height) for h in found)))
    what = f"are {width}x{height} pixels" if len(sizes) == 1 else f"come in {len(sizes)} sizes"
    return side, (f"The images {what}; their middle squares are resized. dataset.size sets the side, {side} where it is auto.",)


def _pile(files: Sequence[Sequence[Path]], grey: bool) -> Pile:
    paths = [path for of_class in files for path in of_class]
    labels = torch.repeat_interleave(torch.arange(len(files)), torch.tensor([len(of_class) for of_class in files]))

    def images(index: Tensor, side: int) -> Tensor:
        return pixels([paths[i] for i in index.tolist()], side, grey)

    return Pile(labels, images)
