"""Old pickles of plain arrays, as the Python archives of CIFAR hold them, read without running anything of theirs."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from engine.decoding.images import DataError


def _latin1(text: str, encoding: str) -> bytes:
    """What protocol 2 writes for bytes. Raises UnpicklingError for another encoding."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it asks for the encoding {encoding!r}, which plain bytes do not need")
    return text.encode("latin1")


_ARRAYS = np.zeros(0).__reduce__()[0]
_ALLOWED: dict[tuple[str, str], Any] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _ARRAYS for core in ("core", "_core")},
    ("_codecs", "encode"): _latin1,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
"""All that a pickle may name; every other name is refused, so that nothing in it can be called."""


class _Arrays(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """What a pickle names. Raises UnpicklingError for everything that arrays do not need."""
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is no part of plain data")
        return _ALLOWED[module, name]


def read(content: bytes, path: Path) -> dict[str, Any]:
    """The mapping of a pickle of arrays, lists, numbers and texts. Raises DataError, naming `path`, for anything else."""
    try:
        found = _Arrays(io.BytesIO(content), encoding="latin1").load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise DataError(f"{path} is damaged, or not what it should be ({error}); fetch it again") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} holds no table of arrays; fetch it again")
    return found
