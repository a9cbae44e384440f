"""Atomic, checksummed, pickle-free state: a tree of tensors and plain values in one safetensors file.

The tree's shape and plain values travel as JSON in the file's metadata beside a SHA-256 over both; the file is written
beside its place and renamed, so a kill leaves either the old state or the new one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

FORMAT = "1"


class CheckpointError(ValueError):
    """A state file that cannot be used; the sentence names the file and what to do."""


def write(path: Path, tree: Mapping[str, Any]) -> None:
    """Store a tree of dicts, lists, tensors, numbers, texts, booleans and None. Raises OSError when the disk refuses."""
    tensors: dict[str, Tensor] = {}
    shape = json.dumps(_pack(tree, "", tensors), allow_nan=True)
    blob = save(tensors, {"format": FORMAT, "tree": shape, "sha256": _digest(tensors, shape)})
    beside = path.with_name(path.name + ".writing")
    path.parent.mkdir(parents=True, exist_ok=True)
    with beside.open("wb") as file:
        file.write(blob)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def read(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """The tree of a state file, its checksum verified. Raises CheckpointError for a torn, foreign or changed file."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (safe_open is no mapping)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); use an earlier checkpoint or start the run anew") from error
    if metadata.get("format") != FORMAT or "tree" not in metadata:
        raise CheckpointError(f"{path} is not a checkpoint of kdstudio")
    if metadata.get("sha256") != _digest(tensors, metadata["tree"]):
        raise CheckpointError(f"{path} was changed since it was written (checksum differs); start the run anew")
    moved = {name: t.to(device, copy=True) for name, t in tensors.items()}  # not mapped onto the file, which is replaced
    return _unpack(json.loads(metadata["tree"]), moved)  # type: ignore[no-any-return]


def _pack(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        tensors[name] = value.detach().to("cpu", copy=True).contiguous()
        return {"$tensor": name}
    if isinstance(value, Mapping):
        pairs = [(k, _pack(v, f"{name}/{k}", tensors)) for k, v in value.items()]
        if all(isinstance(k, str) and not k.startswith("$") for k, _ in pairs):
            return dict(pairs)
        return {"$items": [[k, v] for k, v in pairs]}
    if isinstance(value, (list, tuple)):
        return [_pack(v, f"{name}/{i}", tensors) for i, v in enumerate(value)]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{name}: a {type(value).__name__} cannot be stored in a checkpoint")


def _unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpack(v, tensors) for v in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$tensor"}:
        return tensors[value["$tensor"]]
    if set(value) == {"$items"}:
        return {k: _unpack(v, tensors) for k, v in value["$items"]}
    return {k: _unpack(v, tensors) for k, v in value.items()}


def _digest(tensors: Mapping[str, Tensor], shape: str) -> str:
    digest = hashlib.sha256(shape.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
