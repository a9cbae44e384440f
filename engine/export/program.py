"""The student as a program that runs without kdstudio: `.pt2` of torch.export, and `.onnx`.

Both take `images` (B, C, H, W) in [0, 1] of the size the student learned on, however many, and give `logits` (B, classes):
the normalization is inside. Quantized weights stand in them as float ones on their levels. Beside the program lies what the
student file says of itself: its classes, its accuracy and the preset, under `about`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from engine.export.header import StudentError
from engine.export.packed import packs
from engine.nets.net import Net
from engine.quantize.wrapping import baked, quantizers_of
from engine.whole import replacing

TRIED = 3
"""Images of noise whose logits are compared after writing; not as many as were traced."""
FAR, FAR_ON_LEVELS = 1e-4, 0.25
"""Largest difference from the student's logits, as a share of their spread: other libraries round otherwise, and where
activations are quantized, what lies at the border of two levels then falls to the other one."""
IMAGES, LOGITS, ABOUT = "images", "logits", "about"
PACKAGES = "onnx, onnxscript and onnxruntime"

Run = Callable[[Tensor], Tensor]


def write(path: Path, net: Net, about: Mapping[str, Any]) -> None:
    """Store a student as a program of the kind that the ending of `path` names, and verify the file by running it. Raises
    StudentError for another ending, where the packages of a kind are missing, and for a program that says something else."""
    if path.suffix not in KINDS:
        known = ", ".join((".safetensors", *KINDS))
        raise StudentError(f"{path}: a student is written as {known}; give the file one of these endings, or name a folder")
    frame = net.frame
    net = (baked(net) if packs(net) else net).cpu().eval()
    traced = torch.export.export(net, (_noise(frame, 2),), dynamic_shapes=({0: Dim("batch")},))
    with replacing(path) as beside:
        run = KINDS[path.suffix](beside, traced, json.dumps(dict(about)))
        _verify(path, net, run, _noise(frame, TRIED))


def _noise(frame: Any, count: int) -> Tensor:
    return torch.rand(count, frame.channels, frame.size, frame.size, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def _verify(path: Path, net: Net, run: Run, images: Tensor) -> None:
    wanted, found = net(images), run(images)
    off = float((found - wanted).abs().max() / wanted.std())
    if not off <= (FAR_ON_LEVELS if any(True for _ in quantizers_of(net)) else FAR):
        raise StudentError(f"{path}: the program's logits differ by {off:.1e} of their spread; take student.safetensors")


def _as_pt2(path: Path, traced: ExportedProgram, about: str) -> Run:
    torch.export.save(traced, path, extra_files={ABOUT: about})
    run: Run = torch.export.load(path).module()
    return run


def _as_onnx(path: Path, traced: ExportedProgram, about: str) -> Run:
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  (what torch exports with, asked for here to name it where it is missing)
    except ImportError as error:
        raise StudentError(f"{error.name} is not installed: for .onnx install {PACKAGES}, or take .pt2") from error
    made = torch.onnx.export(traced, input_names=[IMAGES], output_names=[LOGITS], verbose=False)
    assert made is not None
    made.model.metadata_props[ABOUT] = about
    made.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run([LOGITS], {IMAGES: images.numpy()})[0])


KINDS: dict[str, Callable[[Path, ExportedProgram, str], Run]] = {".pt2": _as_pt2, ".onnx": _as_onnx}
"""By its ending, what writes a program and gives what runs the file."""
