"""What lies in a folder of images: class folders, their files, and what the files say of themselves."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from engine.data.courier import Courier
from engine.decoding.images import ENDINGS, DataError, Header, header
from engine.experiment import DatasetSettings

LARGEST_AS_IS = 128
USUAL = 64
LOOKED_AT = 5_000
"""Files whose headers are read before the first is decoded; of more, a seeded sample."""
LAYOUT = "put the images of each class into a folder of their own, e.g. train/cat/1.png and test/cat/2.png"


def folders(folder: Path) -> tuple[str, ...]:
    """The names of the subfolders, sorted; hidden ones are nobody's class."""
    with os.scandir(folder) as entries:
        return tuple(sorted(e.name for e in entries if e.is_dir() and not e.name.startswith((".", "__"))))


def classes(folder: Path, setting: str = "dataset.root") -> tuple[str, ...]:
    """The class folders by name. Raises DataError, naming the setting, where there are fewer than two."""
    names = folders(folder)
    if not names:
        loose = any(p.suffix.lower() in ENDINGS for p in folder.iterdir())
        what = "images, but no folder for each class" if loose else "no class folders"
        raise DataError(f"{setting}: {folder} holds {what}; {LAYOUT}")
    if len(names) == 1:
        raise DataError(f"{setting}: {folder} holds one class only, {names[0]!r}; there is nothing to tell apart; {LAYOUT}")
    return names


def images(root: Path, below: str = "") -> list[str]:
    """The image files in and under a folder below `root`, by their names below it; sorted, hidden ones left out."""
    return sorted(_walk(root, below), key=_parts)


def _parts(name: str) -> list[str]:
    return name.split(os.sep)  # noqa: PTH206 (a million names: text is quicker)


def _walk(root: Path, below: str) -> Iterator[str]:
    start = os.path.join(root, below) if below else str(root)  # noqa: PTH118
    for folder, _, names in os.walk(start):
        inside = os.path.relpath(folder, root)
        for name in names:
            if os.path.splitext(name)[1].lower() in ENDINGS and not name.startswith("."):  # noqa: PTH122
                yield name if inside == "." else f"{inside}{os.sep}{name}"


def of_classes(root: Path, part: str, names: Sequence[str]) -> list[list[str]]:
    """The image files of each class in the folder `part` of `root` (empty: in `root` itself), by their names below `root`.
    Raises DataError for a class without images or a folder too many."""
    folder = root / part if part else root
    unknown = [name for name in folders(folder) if name not in names]
    if unknown:
        raise DataError(f"{folder / unknown[0]} is a class without training images; add images of it to train/ or remove it")
    found = [images(root, str(Path(part, name))) if (folder / name).is_dir() else [] for name in names]
    empty = [folder / name for name, files in zip(names, found) if not files]
    if empty:
        raise DataError(
            f"{empty[0]} is a class without images; add images ({', '.join(sorted(ENDINGS))}) or remove the class everywhere"
        )
    return found


@dataclass(frozen=True)
class Look:
    """What the files of a dataset have in common: channels, the side they are best looked at, and sentences about it."""

    channels: int
    side: int
    notes: tuple[str, ...]


def look(root: Path, names: Sequence[str], settings: DatasetSettings, courier: Courier) -> Look:
    """Read the headers of image files, of a seeded sample where they are many. Raises DataError naming a file that is no
    image, or the odd one where grey and colour are mixed and `settings.colour` does not say what to do."""
    chosen = names if len(names) <= LOOKED_AT else random.Random(0).sample(names, LOOKED_AT)
    found = []
    for number, name in enumerate(chosen):
        if number % 500 == 0:
            courier.say("image files looked at", number, len(chosen), "files")
        found.append(header(root / name))
    courier.say("image files looked at", len(chosen), len(chosen), "files")
    side, notes = _side(found)
    if len(chosen) < len(names):
        notes = (*notes, f"Sizes and colours were looked up in {len(chosen)} of the {len(names)} files.")
    return Look(1 if _grey(found, settings) else 3, side, notes)


def _grey(found: Sequence[Header], settings: DatasetSettings) -> bool:
    if settings.colour != "auto":
        return settings.colour == "grey"
    counts = Counter(h.grey for h in found)
    if len(counts) == 2:
        rarer = min(counts, key=lambda grey: counts[grey])
        odd = next(h for h in found if h.grey is rarer)
        kind, others = ("greyscale", "in colour") if rarer else ("in colour", "greyscale")
        raise DataError(
            f"{odd.path} is {kind} among images {others} ({counts[rarer]} of {len(found)} files); set dataset.colour to rgb or "
            "grey to turn all into one kind, or remove them"
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
