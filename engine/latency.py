"""How long students take on this machine: in turn, so that what else runs slows them alike; kept with each run."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.comparison.sides import LATENCY
from engine.export.header import StudentError
from engine.export.student import load
from engine.nets.net import Net
from engine.timing import milliseconds
from engine.whole import write_whole

IMAGES = (1, 64)
"""Batches that are timed: one image as it comes, and many at once."""
ROUNDS = 15


def measure(runs: Sequence[Path], device: torch.device) -> dict[Path, dict[str, Any]]:
    """For each run the `machine` and `milliseconds` of a forward pass by the number of images, in float32 and evaluation mode;
    written into its folder, too. The quickest of `ROUNDS` passes counts, for what else runs on the machine only slows them.
    Raises StudentError for a run without a student."""
    nets = {run: _student(run, device) for run in runs}
    found: dict[Path, dict[str, float]] = {run: {} for run in runs}
    for count in IMAGES:
        inputs = {run: _images(net, count, device) for run, net in nets.items()}
        rounds = [{run: milliseconds(net, inputs[run]) for run, net in nets.items()} for _ in range(ROUNDS + 1)][1:]
        for run in runs:
            found[run][str(count)] = min(times[run] for times in rounds)
    made = {run: {"machine": machine(device), "milliseconds": found[run]} for run in runs}
    for run, said in made.items():
        write_whole(run / LATENCY, json.dumps(said, indent=1).encode("utf-8"))
    return made


def machine(device: torch.device) -> str:
    """What computes here."""
    chip = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    threads = "" if device.type == "cuda" else f", {torch.get_num_threads()} threads"
    return f"{platform.node()}, {chip}{threads}"


def _student(run: Path, device: torch.device) -> Net:
    path = run / "student.safetensors"
    if not path.is_file():
        raise StudentError(f"{run.name} has no student.safetensors; only finished runs have a student to time")
    return load(path).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _images(net: Net, count: int, device: torch.device) -> Tensor:
    frame = net.frame
    return torch.rand(count, frame.channels, frame.size, frame.size, device=device)
