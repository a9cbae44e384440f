"""Tiny ImageNet (Le and Yang 2015): 110 000 photographs of 64x64 pixels in 200 classes of ImageNet."""

from __future__ import annotations

from pathlib import Path

import torch

from engine.cards import DatasetCard
from engine.data import archives, folder, listing
from engine.data.courier import Courier, home
from engine.data.images import Files
from engine.data.pictures import Pile, Source
from engine.decoding.images import DataError
from engine.downloads import Remote
from engine.experiment import DatasetSettings

CARD = DatasetCard(
    key="tiny-imagenet",
    title="Tiny ImageNet",
    summary="110 000 photographs of 64x64 pixels in 200 classes of ImageNet; read from disk or downloaded on first use.",
    classes=200,
    channels=3,
    size=64,
    train_images=100_000,
    test_images=10_000,
    needs_folder=False,
    licence="ImageNet's terms: for research that earns no money",
    home="https://www.kaggle.com/c/tiny-imagenet",
)

FOLDER = "tiny-imagenet-200"
ANNOTATIONS = "val_annotations.txt"
REMOTE = Remote("http://cs231n.stanford.edu/tiny-imagenet-200.zip", md5="90528d7ca1a48142e341f4ef8d21d0de", bytes=248_100_043)
"""The course that made it publishes no checksum; this is the one by which the public loaders know the file."""


def read(settings: DatasetSettings, courier: Courier) -> Source:
    """The official training and validation images (the test images have no labels), classes in the order of their WordNet
    identifiers as every public loader has them. A few images are grey; all are read as RGB."""
    root = _root(settings.root, courier)
    train, val = root / "train", root / "val"
    ids = listing.classes(train)
    files = listing.of_classes(root, "train", ids)
    test = _annotated(root, ids) if (val / ANNOTATIONS).is_file() else _by_class(root, ids)
    return Source(folder.pile(root, files, CARD.channels), test, None, folder.in_words(root, ids), CARD.size)


def _root(text: str, courier: Courier) -> Path:
    """The folder with train/ and val/. Raises DataError, saying where it was looked for."""
    if not text:
        place = home() / FOLDER
        if not place.is_dir():
            archive = courier.fetch(REMOTE, home() / f"{FOLDER}.zip")
            archives.unpack(archive, place, courier)
            archive.unlink()
        return place
    top = Path(text).expanduser()
    for place in (top, top / FOLDER):
        if (place / "train").is_dir() and (place / "val").is_dir():
            return place
    packed = f"; unpack {top / FOLDER}.zip" if (top / f"{FOLDER}.zip").is_file() else ""
    raise DataError(
        f"dataset.root: {top} holds no train/ and val/ of Tiny ImageNet, nor does {top / FOLDER}{packed}; choose the unpacked "
        "folder, or leave it empty to download"
    )


def _by_class(root: Path, ids: tuple[str, ...]) -> Pile:
    """Validation images that somebody has sorted into class folders, as many public scripts do."""
    if not set(listing.folders(root / "val")) & set(ids):
        raise DataError(f"dataset.root: {root / 'val'} has neither {ANNOTATIONS} nor a folder of images for each class")
    return folder.pile(root, listing.of_classes(root, "val", ids), CARD.channels)


def _annotated(root: Path, ids: tuple[str, ...]) -> Pile:
    """Validation images in one folder, with a table of file, class and a box that nobody needs."""
    table, number = root / "val" / ANNOTATIONS, {name: n for n, name in enumerate(ids)}
    names, labels = [], []
    for count, line in enumerate(table.read_text(encoding="utf-8").splitlines(), 1):
        name, kind, *_ = [*line.split("\t"), "", ""]
        if kind not in number:
            raise DataError(f"{table}, line {count}: {kind!r} is none of the {len(ids)} classes of train/")
        names.append(str(Path("val", "images", name)))
        labels.append(number[kind])
    there = set(listing.images(root, str(Path("val", "images"))))
    missing = [name for name in names if name not in there]
    if missing or not names:
        raise DataError(f"{root / (missing or ['val'])[0]} is missing, though {table} names it; unpack the archive again")
    return Pile(torch.tensor(labels), Files.of(root, names, CARD.channels))
