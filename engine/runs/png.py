"""Arrays as pictures without a picture library: matrices in grey, galleries in rows, written as PNG."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""Height x width x channels (1 or 3)."""


def png(pixels: Pixels) -> bytes:
    """A PNG of pixels (H, W, 1 or 3)."""
    height, width, channels = pixels.shape
    lines = np.zeros((height, 1 + width * channels), dtype=np.uint8)  # every line begins with its filter: none
    lines[:, 1:] = pixels.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def heat(matrix: npt.NDArray[np.generic], side: int = 256) -> Pixels:
    """A matrix (R, C), or the first of several (..., R, C), as grey pixels: black is its smallest value, white its largest;
    small ones are enlarged to about `side` pixels."""
    values = np.nan_to_num(np.asarray(matrix, dtype=np.float64).reshape(-1, *matrix.shape[-2:])[0])
    low, high = float(values.min()), float(values.max())
    grey = np.round(255 * (values - low) / (high - low if high > low else 1.0)).astype(np.uint8)
    times = max(1, side // max(grey.shape))
    return np.kron(grey, np.ones((times, times), dtype=np.uint8))[..., None]


def gallery(images: npt.NDArray[np.generic]) -> Pixels:
    """Images (N, H, W, C), or several rows of them (R, N, H, W, C), beside and under each other."""
    rows = np.asarray(images, dtype=np.uint8)
    rows = rows[None] if rows.ndim == 4 else rows
    count, across, height, width, channels = rows.shape
    laid = rows.transpose(0, 2, 1, 3, 4).reshape(count * height, across * width, channels)
    return laid if channels in (1, 3) else laid[..., :1]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
