"""Random numbers that depend on nothing but the seed and what they are for, so that runs pair and resume exactly."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch


def key(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed of its own for each purpose of one run seed."""
    text = "|".join(str(p) for p in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator for one purpose of one run seed."""
    return torch.Generator(device).manual_seed(key(seed, *purpose))


def state() -> dict[str, Any]:
    """torch's global random state, which layers such as dropout draw from."""
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []}


def load(kept: Mapping[str, Any]) -> None:
    """The inverse of `state`."""
    torch.set_rng_state(kept["cpu"].cpu())
    if torch.cuda.is_available() and kept["cuda"]:
        torch.cuda.set_rng_state_all([s.cpu() for s in kept["cuda"]])
