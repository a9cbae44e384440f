"""Random numbers that depend on nothing but the seed and what they are for, so that runs pair and resume exactly."""

from __future__ import annotations

import hashlib

import torch


def key(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed of its own for each purpose of one run seed."""
    text = "|".join(str(p) for p in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator for one purpose of one run seed."""
    return torch.Generator(device).manual_seed(key(seed, *purpose))
