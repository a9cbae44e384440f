"""What a run costs: that the memory of one does not hide in what an earlier one left."""

from __future__ import annotations

import ctypes
import sys

import psutil
import pytest
import torch

from engine.ledger import give_back

GLIBC = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")


@pytest.mark.skipif(not GLIBC, reason="only glibc can be asked to give freed memory back")
def test_freed_memory_goes_back_to_the_kernel() -> None:
    """Blocks too small to be mapped one by one, below one that stays: the heap cannot shrink by itself."""
    blocks = [torch.ones(25_000) for _ in range(400)]
    stays = blocks.pop()
    held = psutil.Process().memory_info().rss
    del blocks
    give_back()
    assert held - psutil.Process().memory_info().rss > 20e6
    assert stays.sum() == 25_000
