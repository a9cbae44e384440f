"""A frozen teacher's logits, remembered: the same view of an image need not be asked about twice.

With crop and mirroring an image has a finite number of views; a pair (image, view) is a number, and its logits are kept
as the teacher gave them, until the memory set aside is full. What is kept also goes into a file beside the checkpoints, so
that a resumed run remembers exactly what it knew.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

CHUNK = 1 << 14
"""Rows that are set aside at a time."""
PARTS = 4
"""A batch of which some views are known is filled up to so many fourths (halves where it is compiled)."""


class Memo:
    """Logits by `key` = image x views + view, for a teacher that takes batches of `sizes` (of any size where it is empty).

    `rows` is how many there may be; `path` is the file they also go to."""

    def __init__(self, keys: int, rows: int, sizes: tuple[int, ...], path: Path) -> None:
        self._place = torch.full((keys,), -1, dtype=torch.int32)
        self._limit, self._sizes, self._path = min(rows, keys), sorted(sizes), path
        self._rows: Tensor | None = None
        self._keys: list[Tensor] = []
        self.used = 0
        self._written = 0
        self.asked = self.known = 0

    def logits(self, teacher: Callable[[Tensor], Tensor], x: Tensor, keys: Tensor) -> Tensor:
        """Logits (B, C) of views `x` (B, C, H, W) under their `keys` (B,) on the CPU, from memory where they are known.

        Which are known is decided on the CPU, so that nothing waits for the device."""
        places = self._place[keys]
        missing = (places < 0).nonzero().flatten()
        self.asked += len(keys)
        self.known += len(keys) - len(missing)
        if not len(missing):
            return self._kept(places, x.device)
        if len(missing) > self._largest_part(len(keys)):
            found = teacher(x)
            self._keep(keys[missing], found[missing.to(x.device)] if len(missing) < len(keys) else found)
            return found
        return self._completed(teacher, x, keys, places, missing)

    def _completed(
        self, teacher: Callable[[Tensor], Tensor], x: Tensor, keys: Tensor, places: Tensor, missing: Tensor
    ) -> Tensor:
        """Ask about what is missing alone, in a batch of a usual size."""
        size = self._size(len(missing), len(keys))
        filled = torch.cat((missing, missing[:1].expand(size - len(missing)))).to(x.device)
        found = teacher(x.index_select(0, filled))[: len(missing)]
        logits = self._kept(places.clamp(min=0), x.device)
        logits.index_copy_(0, missing.to(x.device), found)
        self._keep(keys[missing], found)
        return logits

    def _largest_part(self, whole: int) -> int:
        return max((s for s in self._part_sizes(whole) if s < whole), default=0)

    def _size(self, missing: int, whole: int) -> int:
        return min(s for s in self._part_sizes(whole) if s >= missing)

    def _part_sizes(self, whole: int) -> list[int]:
        return self._sizes or [-(-whole * part // PARTS) for part in range(1, PARTS + 1)]

    def _kept(self, places: Tensor, device: torch.device) -> Tensor:
        assert self._rows is not None
        return self._rows.index_select(0, places.to(device, torch.int64))

    def _keep(self, keys: Tensor, found: Tensor) -> None:
        """Remember as many as there is room for; a key that comes twice in a batch is kept once."""
        distinct, first = (torch.from_numpy(a) for a in np.unique(keys.numpy(), return_index=True))
        room = self._limit - self.used
        distinct, first = distinct[:room], first[:room]
        if not len(first):
            return
        self._make_room(len(first), found)
        assert self._rows is not None
        end = self.used + len(first)
        self._rows[self.used : end] = found.index_select(0, first.to(found.device))
        self._place[distinct] = torch.arange(self.used, end, dtype=torch.int32)
        self._keys.append(distinct)
        self.used = end

    def _make_room(self, more: int, like: Tensor) -> None:
        have = 0 if self._rows is None else len(self._rows)
        if self.used + more <= have:
            return
        wanted = min(max(have + CHUNK, self.used + more, have * 3 // 2), self._limit)
        grown = like.new_empty((wanted, like.shape[1]))
        if self._rows is not None:
            grown[: self.used] = self._rows[: self.used]
        self._rows = grown

    def state(self) -> dict[str, Any]:
        """How much is kept, for a checkpoint; writes what is new to the file first."""
        if self.used > self._written:
            assert self._rows is not None
            record = _record(torch.cat(self._keys), self._rows[self._written : self.used])
            with self._path.open("r+b" if self._written else "wb") as file:
                file.seek(self._written * record.dtype.itemsize)
                file.write(record.tobytes())
                file.truncate()
            self._keys, self._written = [], self.used
        dtype = "" if self._rows is None else str(self._rows.dtype).removeprefix("torch.")
        return {"used": self.used, "dtype": dtype, "classes": 0 if self._rows is None else self._rows.shape[1]}

    def load(self, state: dict[str, Any], device: torch.device) -> None:
        """Know again what was known at a checkpoint. Raises OSError where the file is gone or shorter than it was."""
        self._place.fill_(-1)
        self._keys, self.used, self._rows = [], int(state["used"]), None
        self._written = self.used
        if not self.used:
            return
        dtype, classes = getattr(torch, state["dtype"]), int(state["classes"])
        kind = _kind(classes * dtype.itemsize)
        record = np.fromfile(self._path, kind, self.used)
        if len(record) < self.used:
            raise OSError(f"{self._path} is shorter than when the run was left; start the run anew")
        keys = torch.from_numpy(record["key"].astype(np.int64))
        self._place[keys] = torch.arange(self.used, dtype=torch.int32)
        rows = torch.from_numpy(np.ascontiguousarray(record["row"])).view(dtype)
        self._rows = rows.to(device)


def _kind(width: int) -> np.dtype[Any]:
    return np.dtype([("key", np.int64), ("row", np.uint8, (width,))])


def _record(keys: Tensor, rows: Tensor) -> np.ndarray[Any, np.dtype[Any]]:
    """Keys (n,) and rows (n, C) of any dtype as one array of records."""
    raw = rows.contiguous().cpu().view(torch.uint8).numpy()
    record = np.empty(len(raw), _kind(raw.shape[1]))
    record["key"], record["row"] = keys.numpy(), raw
    return record
