"""`student.packed.safetensors`: a quantized student with its weights as bits, and a scale a layer.

Loading gives a net of the same logits whose layers hold the quantized weights as float ones; its activations are quantized as
before. The float weights behind are left out, so training goes on from `student.safetensors` alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from engine import nets
from engine.export.header import FORMAT, StudentError, describe
from engine.export.tensors import apart
from engine.nets.net import Net
from engine.quantize.settings import FULL
from engine.quantize.weights import highest, on_levels
from engine.quantize.wrapping import baked, layers_of
from engine.whole import replacing

FILE = "student.packed.safetensors"
SCALE = ".scale"
TRIED = 8
"""Images of noise whose logits are compared after writing."""


def packs(net: Net) -> bool:
    """Whether a net has quantized weights to pack."""
    return any(True for _ in layers_of(net))


def write(path: Path, net: Net, about: Mapping[str, Any]) -> None:
    """Store a quantized net and verify the file by reading it back: every number and the logits of some images are the same.
    Raises StudentError where they are not."""
    net.eval()
    tensors, shapes = _packed(net)
    metadata = {
        "format": FORMAT, "net": json.dumps(net.identity()), "about": json.dumps(dict(about)), "packed": json.dumps(shapes),
    }  # fmt: skip
    with replacing(path) as beside:
        beside.write_bytes(save(tensors, metadata))
        _verify(beside, net)


def _packed(net: Net) -> tuple[dict[str, Tensor], dict[str, list[int]]]:
    """The tensors of the file, and the shape of each packed one."""
    tensors = apart(net)
    names = {id(t): name for name, t in net.state_dict(keep_vars=True).items()}
    shapes: dict[str, list[int]] = {}
    for layer in layers_of(net):
        name = names[id(layer.weight)]
        q, scale = on_levels(layer.weight.detach().float(), layer.quantizer.bits, layer.quantizer.scale)
        tensors[name], tensors[name + SCALE] = pack(q.cpu(), layer.quantizer.bits), scale.cpu()
        shapes[name] = list(q.shape)
    return tensors, shapes


def _verify(path: Path, net: Net) -> None:
    again, wanted = load(path), baked(net).cpu().eval()
    frame = net.frame
    x = torch.rand(TRIED, frame.channels, frame.size, frame.size, generator=torch.Generator().manual_seed(0))
    state = again.state_dict()
    for name, tensor in wanted.state_dict().items():
        if not torch.equal(state[name], tensor):
            raise StudentError(
                f"{path}: {name} differs after packing; weights of exactly 0 cannot be packed in 1 bit, else the disk may fail"
            )
    with torch.no_grad():
        if not torch.equal(again(x), wanted(x)):
            raise StudentError(f"{path}: the packed student says something else than the student; export it unpacked")


def load(path: str | Path) -> Net:
    """The student of a packed file, in evaluation mode, on the CPU; takes images (B, C, H, W) in [0, 1]."""
    said = describe(path)
    identity = said["net"]
    net = nets.build(**{**identity, "quantize": {**identity["quantize"], "weights": FULL}})
    tensors, bits = load_file(path), int(identity["quantize"]["weights"])
    for name, shape in said["packed"].items():
        tensors[name] = tensors.pop(name + SCALE) * unpack(tensors[name], bits, shape)
    net.load_state_dict(tensors)
    return net.eval()


def pack(q: Tensor, bits: int) -> Tensor:
    """Levels (whole numbers within ± the highest) of any shape as bytes (uint8, flat), the first in the lowest bits."""
    codes = ((q + 1) / 2 if bits == 1 else q + highest(bits)).to(torch.uint8).flatten()
    each = 8 // bits
    codes = torch.nn.functional.pad(codes, (0, -len(codes) % each)).reshape(-1, each)
    return (codes << (bits * torch.arange(each, dtype=torch.uint8))).sum(1).to(torch.uint8)


def unpack(packed: Tensor, bits: int, shape: list[int]) -> Tensor:
    """The inverse of `pack`, float32."""
    each = 8 // bits
    shifted = packed[:, None] >> (bits * torch.arange(each, dtype=torch.uint8))
    codes = (shifted & (2**bits - 1)).flatten()[: torch.Size(shape).numel()].float().reshape(shape)
    return 2 * codes - 1 if bits == 1 else codes - highest(bits)
