"""`student.safetensors`: the student alone with what is needed to use it.

The tensors are the net's state dict under its own names, so any safetensors reader can take them; the metadata says which
net they fill, its classes and normalization, the accuracy reached and the preset that made it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import nn

from engine import nets
from engine.export import packed
from engine.export.header import FORMAT, StudentError, describe
from engine.export.tensors import apart
from engine.nets.net import Net
from engine.whole import replacing


def write(path: Path, net: Net, about: Mapping[str, Any]) -> None:
    """Store a student and verify the file by reading it back. `about` is JSON-able: classes, accuracy, preset, run."""
    metadata = {"format": FORMAT, "net": json.dumps(net.identity()), "about": json.dumps(dict(about))}
    with replacing(path) as beside:
        beside.write_bytes(save(apart(net), metadata))
        _verify(beside, net)


def _verify(path: Path, net: Net) -> None:
    again = load(path)
    for name, tensor in net.state_dict().items():
        kept = tensor.detach().cpu()
        if not bool(torch.isfinite(kept).all()):
            raise StudentError(
                f"the student's {name} holds values that are not finite; lower the learning rate and train again"
            )
        if not torch.equal(again.state_dict()[name], kept):
            raise StudentError(f"{path}: {name} differs after writing; the disk may be failing")


def load(path: str | Path) -> Net:
    """The student of a file, packed or not, in evaluation mode, on the CPU; takes images (B, C, H, W) in [0, 1]."""
    said = describe(path)
    if said["packed"]:
        return packed.load(path)
    net = nets.build(**said["net"])
    net.load_state_dict(load_file(path))
    return net.eval()


def frozen(net: nn.Module) -> nn.Module:
    """The net in evaluation mode, its parameters without gradient."""
    return net.eval().requires_grad_(False)
