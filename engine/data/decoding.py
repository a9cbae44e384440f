"""Image files on disk: what kind they are, and their pixels at one size."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from engine.data.pictures import DataError

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}
GREY = {"1", "L", "LA"}
DEEP = {"I", "F", "I;16", "I;16L", "I;16B", "I;16N"}

Result = TypeVar("Result")


@dataclass(frozen=True)
class Header:
    """What a file says of its image before it is decoded."""

    path: Path
    width: int
    height: int
    grey: bool


def headers(paths: Sequence[Path]) -> list[Header]:
    """The headers of image files. Raises DataError naming the first file that is no readable 8-bit image."""
    return _each(_header, paths)


def pixels(paths: Sequence[Path], side: int, grey: bool) -> Tensor:
    """Decoded images (N, 1 or 3, side, side) uint8: cut to the middle square and resized. Raises DataError as `headers`."""
    mode = "L" if grey else "RGB"
    arrays = _each(lambda path: _decoded(path, side, mode), paths)
    if not arrays:
        return torch.empty((0, 1 if grey else 3, side, side), dtype=torch.uint8)
    stacked = torch.from_numpy(np.stack(arrays))
    return stacked[:, None] if grey else stacked.permute(0, 3, 1, 2)


def _each(what: Callable[[Path], Result], paths: Sequence[Path]) -> list[Result]:
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(what, paths))


def _opened(path: Path, read: Callable[[Image.Image], Result]) -> Result:
    try:
        with Image.open(path) as image:
            return read(image)
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is not an image that can be read; replace or remove it") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} is damaged or cut off ({error}); replace or remove it") from error


def _header(path: Path) -> Header:
    def read(image: Image.Image) -> Header:
        if image.mode in DEEP:
            raise DataError(f"{path} has more than 8 bits a pixel (mode {image.mode}); save it with 8 bits a channel")
        return Header(path, image.width, image.height, image.mode in GREY)

    return _opened(path, read)


def _decoded(path: Path, side: int, mode: str) -> np.ndarray:
    def read(image: Image.Image) -> np.ndarray:
        image.draft(mode, (2 * side, 2 * side))
        upright = _without_palette(ImageOps.exif_transpose(image)).convert(mode)
        if upright.size != (side, side):
            upright = ImageOps.fit(upright, (side, side), Image.Resampling.BILINEAR)
        return np.asarray(upright)

    return _opened(path, read)


def _without_palette(image: Image.Image) -> Image.Image:
    """Pillow warns where a palette with transparent entries is turned into RGB without this step between."""
    return image.convert("RGBA") if image.mode == "P" and "transparency" in image.info else image
