"""Image files on disk: what kind they are, and their pixels at one size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}
GREY = {"1", "L", "LA"}
DEEP = {"I", "F", "I;16", "I;16L", "I;16B", "I;16N"}

Result = TypeVar("Result")


class DataError(ValueError):
    """Images that cannot be used; the sentence names the file or setting and what to do."""


@dataclass(frozen=True)
class Header:
    """What a file says of its image before it is decoded."""

    path: Path
    width: int
    height: int
    grey: bool


def header(path: Path) -> Header:
    """The header of an image file. Raises DataError naming a file that is no readable 8-bit image."""

    def read(image: Image.Image) -> Header:
        if image.mode in DEEP:
            raise DataError(f"{path} has more than 8 bits a pixel (mode {image.mode}); save it with 8 bits a channel")
        return Header(path, image.width, image.height, image.mode in GREY)

    return _opened(path, read)


def decode(paths: Sequence[str], into: np.ndarray) -> None:
    """Fill `into` (n, 1 or 3, side, side) uint8 with the images of n files: cut to the middle square, resized, and made
    grey where there is one channel. Raises DataError as `header`."""
    mode = "L" if into.shape[1] == 1 else "RGB"
    for path, place in zip(paths, into):
        pixels = _decoded(Path(path), into.shape[-1], mode)
        place[...] = pixels if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _opened(path: Path, read: Callable[[Image.Image], Result]) -> Result:
    try:
        with Image.open(path) as image:
            return read(image)
    except FileNotFoundError as error:
        raise DataError(f"{path} is no longer there; put it back, or start anew without it") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is not an image that can be read; replace or remove it") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is damaged or cut off ({error}); replace or remove it") from error


def _decoded(path: Path, side: int, mode: str) -> np.ndarray:
    def read(image: Image.Image) -> np.ndarray:
        if image.mode in DEEP:
            raise DataError(f"{path} has more than 8 bits a pixel (mode {image.mode}); save it with 8 bits a channel")
        image.draft(mode, (2 * side, 2 * side))
        upright = _without_palette(ImageOps.exif_transpose(image)).convert(mode)
        if upright.size != (side, side):
            upright = ImageOps.fit(upright, (side, side), Image.Resampling.BILINEAR)
        return np.asarray(upright)

    return _opened(path, read)


def _without_palette(image: Image.Image) -> Image.Image:
    """Pillow warns where a palette with transparent entries is turned into RGB without this step between."""
    return image.convert("RGBA") if image.mode == "P" and "transparency" in image.info else image
