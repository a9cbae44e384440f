"""Decoded images on disk, so that the next run begins in no time: 60 000 small files are decoded in seconds, read in none."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import appdirs
import numpy as np
import torch

from engine.data.courier import Courier
from engine.data.images import CHUNK, Decoder, Files, Images, Loaded
from engine.data.pictures import Pile

LARGEST = 2 << 30
"""Bytes of decoded images that are kept of one part of a dataset."""
MOST = 8 << 30
"""Bytes of all that is kept; what was not used for longest goes first."""


def folder() -> Path:
    """Where decoded images are kept; everything in it may be deleted at any time."""
    return Path(appdirs.user_cache_dir("kdstudio", appauthor=False)) / "images"


def kept(pile: Pile, side: int) -> Pile | None:
    """The pile out of what an earlier run decoded, or None. Files that have changed since are not taken for the same."""
    path = _path(pile.images, side)
    if path is None or not path.is_file():
        return None
    try:
        pixels = np.load(path, mmap_mode="c")  # copied where written to, so that torch may have it
        os.utime(path)
    except (OSError, ValueError, EOFError):  # deleted by another process, or damaged: then it is decoded again
        return None
    if pixels.shape != _shape(pile.images, side):
        return None
    return Pile(pile.labels, Loaded(torch.from_numpy(pixels)))


def keep(pile: Pile, side: int, decoder: Decoder, courier: Courier) -> tuple[Pile, tuple[str, ...]]:
    """Decode the pile onto the disk and give it from there, with the sentence that says so; the pile itself where it is too
    large for that, or the disk too full. Raises DataError for a file that cannot be decoded."""
    path, shape = _path(pile.images, side), _shape(pile.images, side)
    if path is None:
        return pile, ()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if 2 * int(np.prod(shape)) > shutil.disk_usage(path.parent).free:
            return pile, ()
        new = path.with_name(f"{path.name}.{os.getpid()}.new")
        pixels = np.lib.format.open_memmap(new, "w+", np.uint8, shape)
    except OSError as error:
        return pile, (f"Decoded images cannot be kept in {path.parent} ({error.strerror}); each run decodes them anew.",)
    try:
        _fill(pixels, pile.images, side, decoder, courier)
        pixels.flush()
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    _prune(path)
    said = f"The decoded images are kept in {path} ({path.stat().st_size / 1e6:.0f} MB); it may be deleted at any time."
    return kept(pile, side) or pile, (said,)


def _fill(pixels: np.ndarray, images: Images, side: int, decoder: Decoder, courier: Courier) -> None:
    done = 0
    for made in images.read(torch.arange(len(images)).split(CHUNK), side, decoder):
        courier.say("images decoded", done, len(images), "images")
        pixels[done : done + len(made)] = made.numpy()
        done += len(made)
    courier.say("images decoded", done, len(images), "images")


def _path(images: object, side: int) -> Path | None:
    """Where the pile belongs; None for images that are not worth keeping."""
    if not isinstance(images, Files) or int(np.prod(_shape(images, side))) > LARGEST:
        return None
    return folder() / f"{images.fingerprint(side)[:32]}.npy"


def _shape(images: object, side: int) -> tuple[int, int, int, int]:
    assert isinstance(images, Files)
    return len(images), images.channels, side, side


def _prune(newest: Path) -> None:
    """Delete what was not used for longest until the rest is within bounds."""
    files = sorted(newest.parent.glob("*.npy"), key=lambda path: path.stat().st_mtime)
    total = sum(path.stat().st_size for path in files)
    for path in files:
        if total <= MOST or path == newest:
            return
        total -= path.stat().st_size
        with suppress(OSError):  # another process has it open (Windows); then it stays
            path.unlink()
