"""The IDX format of MNIST and its relatives, plain or gzipped, and the four files that each of them consists of."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.cards import DatasetCard
from engine.data.courier import Courier, home
from engine.data.images import Loaded
from engine.data.pictures import Pile, Source
from engine.decoding.images import DataError
from engine.downloads import Remote
from engine.experiment import DatasetSettings

UNSIGNED_BYTE = 0x08
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def published(server: str, *files: tuple[str, int]) -> dict[str, Remote]:
    """The four files as a server has them, gzipped; given are the MD5 and the bytes of each, in the order of `FILES`."""
    return {name: Remote(f"{server}/{name}.gz", md5=md5, bytes=size) for name, (md5, size) in zip(FILES, files, strict=True)}


def source(
    card: DatasetCard, classes: Sequence[str], folder: str, remotes: Mapping[str, Remote], settings: DatasetSettings,
    courier: Courier,
) -> Source:  # fmt: skip
    """The official training and test images from `settings.root`, or downloaded by `remotes` (of each file, gzipped).
    `folder` is torchvision's name for the folder above raw/. Raises DataError."""
    paths = _paths(card, folder, remotes, settings.root, courier)
    train, test = (_pile(images, labels, classes, card) for images, labels in (paths[:2], paths[2:]))
    return Source(train, test, None, tuple(classes), card.size)


def _paths(card: DatasetCard, folder: str, remotes: Mapping[str, Remote], root: str, courier: Courier) -> list[Path]:
    """The four files. Raises DataError naming the first one that the user's folder lacks, and where it was looked for."""
    top = Path(root).expanduser() if root else home()
    raw = top / folder / "raw"
    places = (raw, top, top / "raw") if root else (raw,)
    found = {name: find(places, name) for name in FILES}
    missing = [name for name, path in found.items() if path is None]
    if missing and root:
        where = ", ".join(str(place) for place in places)
        raise DataError(
            f"dataset.root: {top} holds no {missing[0]} (plain or .gz; looked for in {where}); choose the folder with the four "
            f"official files of {card.title}, or leave the folder empty to download them"
        )
    return [found[name] or courier.fetch(remotes[name], raw / f"{name}.gz") for name in FILES]


def _pile(images: Path, labels: Path, names: Sequence[str], card: DatasetCard) -> Pile:
    pixels, classes = read(images, 3), read(labels, 1).long()
    if len(pixels) != len(classes):
        raise DataError(f"{images} holds {len(pixels)} images and {labels} {len(classes)} labels; they must be of one kind")
    if len(classes) and int(classes.max()) >= len(names):
        raise DataError(f"{labels} holds the label {int(classes.max())}; {card.title} has {len(names)} classes, from 0 on")
    return Pile(classes, Loaded(pixels[:, None]))


def find(folders: tuple[Path, ...], name: str) -> Path | None:
    """The file `name` or `name.gz` in the first folder that has it."""
    candidates = (folder / f"{name}{ending}" for folder in folders for ending in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def read(path: Path, dimensions: int) -> Tensor:
    """The uint8 array of an IDX file. Raises DataError for a file that is damaged or holds something else."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged ({error}); download it again") from error
    header = 4 + 4 * dimensions
    if len(data) < header or data[:4] != bytes((0, 0, UNSIGNED_BYTE, dimensions)):
        raise DataError(f"{path} is no IDX file of bytes with {dimensions} dimensions; download it again")
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", dimensions, 4))
    if len(data) - header != prod(shape):
        raise DataError(f"{path} holds {len(data) - header} bytes where its header says {prod(shape)}; download it again")
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=header).reshape(shape).copy())
