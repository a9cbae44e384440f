"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) in every form they lie about in: the official binary and Python archives, packed
or unpacked, and folders of images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.cards import DatasetCard
from engine.data import archives, folder, pickles
from engine.data.courier import Courier, home
from engine.data.images import Loaded
from engine.data.pictures import Pile, Source
from engine.decoding.images import DataError
from engine.downloads import Remote
from engine.experiment import DatasetSettings

SIDE = 32
PIXELS = 3 * SIDE * SIDE

SITE = "https://www.cs.toronto.edu/~kriz"
"""Where their author keeps both."""
HOME = f"{SITE}/cifar.html"

Piles = tuple[Pile, Pile]


@dataclass(frozen=True)
class Form:
    """One form of the data on disk: the folder, the archive of it, and the files in it (training, test)."""

    folder: str
    archive: str
    files: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Layout:
    """How one of the two lies on disk. `labels` is how many bytes of labels precede an image in the binary form (the last one
    counts), `key` the name of the labels in the pickles of the Python form, `remote` the archive of the binary form."""

    card: DatasetCard
    classes: tuple[str, ...]
    binary: Form
    python: Form
    labels: int
    key: str
    remote: Remote


def published(archive: str, md5: str, size: int) -> Remote:
    """An archive of so many bytes where their author has it."""
    return Remote(f"{SITE}/{archive}", md5=md5, bytes=size)


def source(layout: Layout, settings: DatasetSettings, courier: Courier) -> Source:
    """The official training and test images from wherever they are under `settings.root`, or downloaded. Raises DataError."""
    forms: tuple[tuple[Form, Read], ...] = ((layout.binary, _of_binary), (layout.python, _of_python))
    root = Path(settings.root).expanduser() if settings.root else home()
    found = next((piles for piles in (_unpacked(layout, *form, root) for form in forms) if piles), None)
    if found is None and settings.root:
        found = next((piles for piles in (_packed(layout, *form, root) for form in forms) if piles), None)
        if found is None and (root / "train").is_dir():
            return _folder(layout, root, settings, courier)
    elif found is None:
        _download(layout, root, courier)
        found = _unpacked(layout, layout.binary, _of_binary, root)
    if found is None:
        raise DataError(_nothing(layout, root))
    return Source(found[0], found[1], None, layout.classes, SIDE)


def _unpacked(layout: Layout, form: Form, read: Read, root: Path) -> Piles | None:
    """From the folder of a form, or its files in `root` itself; None where neither is complete."""
    names = [name for part in form.files for name in part]
    where = next((p for p in (root / form.folder, root) if all((p / name).is_file() for name in names)), None)
    if where is None:
        return None
    train, test = ({where / name: (where / name).read_bytes() for name in part} for part in form.files)
    return read(layout, train), read(layout, test)


def _packed(layout: Layout, form: Form, read: Read, root: Path) -> Piles | None:
    """From the archive of a form, read in place; None where there is none. Raises DataError for one that lacks a file."""
    archive = root / form.archive
    if not archive.is_file():
        return None
    wanted = [[f"{form.folder}/{name}" for name in part] for part in form.files]
    members = archives.members(archive, frozenset(name for part in wanted for name in part))
    missing = [name for part in wanted for name in part if name not in members]
    if missing:
        raise DataError(f"{archive} holds no {missing[0]}; delete it and fetch it again")
    train, test = ({archive / name: members[name] for name in part} for part in wanted)
    return read(layout, train), read(layout, test)


def _of_binary(layout: Layout, contents: Mapping[Path, bytes]) -> Pile:
    """From records of labels and 3072 bytes each: the red plane, the green, the blue, line by line."""
    record = layout.labels + PIXELS
    for path, content in contents.items():
        if not content or len(content) % record:
            raise DataError(f"{path} is {len(content)} bytes long, which is no multiple of {record}: fetch it again")
    records = np.frombuffer(b"".join(contents.values()), np.uint8).reshape(-1, record)
    return _pile(layout, records[:, layout.labels :], records[:, layout.labels - 1], next(iter(contents)))


def _of_python(layout: Layout, contents: Mapping[Path, bytes]) -> Pile:
    """From pickles of a table with `data` (n, 3072) and the labels."""
    parts = []
    for path, content in contents.items():
        table = pickles.read(content, path)
        data, labels = table.get("data"), table.get(layout.key)
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or not isinstance(labels, list):
            raise DataError(f"{path} has no `data` and `{layout.key}` as {layout.card.title} has them; fetch it again")
        if data.shape != (len(labels), PIXELS):
            raise DataError(f"{path} holds {len(labels)} labels for data of shape {data.shape}; fetch it again")
        parts.append((data, np.array(labels, dtype=np.int64)))
    pixels, classes = (np.concatenate(each) for each in zip(*parts))
    return _pile(layout, pixels, classes, next(iter(contents)))


def _pile(layout: Layout, pixels: np.ndarray, classes: np.ndarray, path: Path) -> Pile:
    highest = int(classes.max())
    if highest >= len(layout.classes) or int(classes.min()) < 0:
        raise DataError(f"{path} holds the label {highest}; {layout.card.title} has {len(layout.classes)} classes, from 0 on")
    images = torch.from_numpy(pixels.reshape(-1, 3, SIDE, SIDE).copy())
    return Pile(torch.from_numpy(classes.astype(np.int64)), Loaded(images))


def _folder(layout: Layout, root: Path, settings: DatasetSettings, courier: Courier) -> Source:
    """A folder of images, train/<class> and test/<class>; the official order of the classes is that of their names."""
    found = folder.read(settings, courier)
    if found.class_names != layout.classes:
        odd = next((name for name in found.class_names if name not in layout.classes), "")
        said = f"{odd!r} is no class of it" if odd else f"only {len(found.class_names)} of its classes are there"
        raise DataError(
            f"dataset.root: {root / 'train'} holds other classes than {layout.card.title}: {said}; choose the dataset `folder` "
            "for images of your own"
        )
    return found


def _download(layout: Layout, root: Path, courier: Courier) -> None:
    form = layout.binary
    archive = courier.fetch(layout.remote, root / form.archive)
    names = [name for part in form.files for name in part]
    archives.take_out(archive, {f"{form.folder}/{name}": root / form.folder / name for name in names}, courier)
    archive.unlink()


def _nothing(layout: Layout, root: Path) -> str:
    forms = (layout.binary, layout.python)
    unpacked = " or ".join(f"{form.folder}/ with {', '.join(n for part in form.files for n in part)}" for form in forms)
    packed = " or ".join(form.archive for form in forms)
    return (
        f"dataset.root: {root} holds no complete {layout.card.title}. Looked for in it: {unpacked} (or these files "
        f"themselves); {packed}; train/ with a folder of images for each class. Choose a folder with one of these, or leave it "
        "empty to download"
    )


Read = Callable[[Layout, Mapping[Path, bytes]], Pile]
