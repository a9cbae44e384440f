"""State files: whole or not at all, unchanged or refused, and nothing in them is run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine import checkpoint

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers(0, 9), inner, max_size=3),
    max_leaves=8,
)


@given(tree=st.dictionaries(st.text(max_size=4), plain, max_size=4))
def test_any_plain_tree_comes_back_as_it_was(tree: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("state") / "a.safetensors"
    checkpoint.write(path, tree)
    assert checkpoint.read(path) == tree


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.uint8, torch.bool])
def test_tensors_come_back_to_the_last_bit(dtype: torch.dtype, tmp_path: Path) -> None:
    value = torch.arange(12).reshape(3, 4).to(dtype)
    checkpoint.write(tmp_path / "a", {"x": {0: value, 1: [value.t(), torch.tensor(3.0), torch.zeros(0)]}})
    found = checkpoint.read(tmp_path / "a")["x"]
    assert torch.equal(found[0], value) and found[0].dtype == dtype
    assert torch.equal(found[1][0], value.t()) and found[1][1].item() == 3.0 and found[1][2].numel() == 0


def test_shared_tensors_are_stored_each_for_itself(tmp_path: Path) -> None:
    value = torch.ones(3)
    checkpoint.write(tmp_path / "a", {"x": value, "y": value})
    assert torch.equal(checkpoint.read(tmp_path / "a")["y"], value)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    checkpoint.write(path, {"x": torch.zeros(64)})
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(checkpoint.CheckpointError, match="changed since it was written"):
        checkpoint.read(path)


@pytest.mark.parametrize("content", [b"", b"torn", b"\x80\x02}q\x00."])
def test_a_torn_or_foreign_file_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(content)
    with pytest.raises(checkpoint.CheckpointError, match="state"):
        checkpoint.read(path)


def test_a_write_that_fails_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    checkpoint.write(path, {"x": 1})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.write(path, {"x": 2})
    assert checkpoint.read(path) == {"x": 1}


def test_what_cannot_be_stored_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="/deep/0: a set cannot be stored"):
        checkpoint.write(tmp_path / "a", {"deep": [{1, 2}]})
