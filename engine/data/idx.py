"""The IDX format of MNIST and its relatives, plain or gzipped."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.data.pictures import DataError

UNSIGNED_BYTE = 0x08


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
