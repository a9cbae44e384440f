"""Fashion-MNIST (Xiao et al. 2017): 70 000 grey pictures of clothes, read from the official files or downloaded."""

from __future__ import annotations

from pathlib import Path

import appdirs
from torch import Tensor

from engine.cards import DatasetCard
from engine.data import idx
from engine.data.pictures import DataError, Pile, Source
from engine.data.pixels import reader
from engine.experiment import DatasetSettings

CARD = DatasetCard(
    key="fashion-mnist",
    title="Fashion-MNIST",
    summary="70 000 grey pictures of clothes, 28x28 pixels, in ten classes; read from disk or downloaded on first use.",
    classes=10,
    channels=1,
    size=28,
    train_images=60_000,
    test_images=10_000,
    needs_folder=False,
    licence="MIT",
    home="https://github.com/zalandoresearch/fashion-mnist",
)

CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def read(settings: DatasetSettings) -> Source:
    """The official training and test images, from `settings.root` or the library's own download folder."""
    paths = _paths(settings.root)
    return Source(_pile(paths[0], paths[1]), _pile(paths[2], paths[3]), None, CLASSES, CARD.channels, CARD.size)


def _paths(root: str) -> tuple[Path, ...]:
    """The four files. Raises DataError naming the first one that the folder lacks."""
    folder = Path(root).expanduser() if root else Path(appdirs.user_data_dir("kdstudio", appauthor=False)) / "datasets"
    places = (folder, folder / "FashionMNIST" / "raw", folder / "raw")
    if not root and not all(idx.find(places, name) for name in FILES):
        _download(folder)
    found = {name: idx.find(places, name) for name in FILES}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise DataError(
            f"dataset.root: {folder} holds no {missing[0]} (plain or .gz); choose the folder with the four official files of "
            "Fashion-MNIST, or leave the folder empty to download them"
        )
    return tuple(path for path in found.values() if path is not None)


def _download(folder: Path) -> None:
    """Fetch the official files; torchvision verifies their checksums. Raises DataError where that fails."""
    from torchvision.datasets import FashionMNIST

    try:
        FashionMNIST(str(folder), download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"Fashion-MNIST could not be downloaded to {folder} ({error}); check the connection, or download the four files "
            f"from {CARD.home} and choose their folder as dataset.root"
        ) from error


def _pile(images: Path, labels: Path) -> Pile:
    pixels, classes = idx.read(images, 3), _labels(labels)
    if len(pixels) != len(classes):
        raise DataError(f"{images} holds {len(pixels)} images and {labels} {len(classes)} labels; they must be of one kind")
    return Pile(classes, reader(pixels[:, None]))


def _labels(path: Path) -> Tensor:
    labels = idx.read(path, 1).long()
    if len(labels) and int(labels.max()) >= len(CLASSES):
        raise DataError(f"{path} holds the label {int(labels.max())}; Fashion-MNIST has ten classes, 0 to 9")
    return labels
