"""Whether this machine can do the work: device, precision, libraries, folders, each with a fix where it fails."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine import cataloguing, extras, plugins, presets

LIBRARIES = ("torch", "torchvision", "PySide6", "pyqtgraph", "PyYAML", "pydantic", "safetensors", "scikit-learn", "numpy")


@dataclass(frozen=True)
class Examined:
    """One thing looked at: a fine one says what it is, a broken one what to do."""

    name: str
    fine: bool
    sentence: str


def examine(home: Path) -> Iterator[Examined]:
    """Look at everything a run needs."""
    yield from map(_library, LIBRARIES)
    yield _device()
    yield _precision()
    yield _threads()
    yield _memory()
    yield _folder("runs", home)
    yield _folder("presets", presets.user_folder())
    yield _catalogue()
    yield _nets()
    kept = extras.read()
    yield from (Examined("plug-in", False, problem) for problem in (*kept.problems, *kept.method_problems))


def _library(name: str) -> Examined:
    try:
        return Examined(name, True, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Examined(name, False, f"not installed; run: pip install {name}")


def _device() -> Examined:
    import torch

    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
        return Examined("device", True, names)
    if torch.version.cuda and shutil.which("nvidia-smi"):
        return Examined("device", False, f"an NVIDIA driver is here but torch (CUDA {torch.version.cuda}) cannot use it; "
                                         "update the driver or install a torch built for it")  # fmt: skip
    return Examined("device", True, f"CPU ({torch.backends.cpu.get_cpu_capability()}); no CUDA device")


def _precision() -> Examined:
    from engine.resources import find_device, find_precisions

    device = find_device("auto")
    found = find_precisions("auto", device)
    one, chosen = f"{found[0]} on {device}", f"{' or '.join(found)} on {device}, whichever is measured to be quicker"
    return Examined("precision", True, one if len(found) == 1 else chosen)


def _threads() -> Examined:
    policy = os.environ.get("OMP_WAIT_POLICY", "")
    fine = policy.upper() == "PASSIVE"
    said = "OMP_WAIT_POLICY=PASSIVE, waiting threads leave the cores free"
    return Examined("threads", fine, said if fine else f"OMP_WAIT_POLICY is {policy!r}; unset it, spinning threads slow others")


def _memory() -> Examined:
    free = psutil.virtual_memory().available / 2**30
    return Examined("memory", free > 2, f"{free:.1f} GiB free" + ("" if free > 2 else "; close other programs"))


def _folder(name: str, path: Path) -> Examined:
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".doctor"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        return Examined(name, False, f"{path} cannot be written ({error.strerror}); choose another folder with --runs")
    free = shutil.disk_usage(path).free / 2**30
    return Examined(name, free > 1, f"{path}, {free:.1f} GiB free" + ("" if free > 1 else "; free some space"))


def _catalogue() -> Examined:
    fresh = extras.catalogue().sources == cataloguing.sources_hash()
    return Examined("catalogue", fresh, "up to date" if fresh else "older than the code; run: kdstudio catalog")


def _nets() -> Examined:
    """Whether what this machine has to find out for itself is found out."""
    kept = extras.read()
    said = f"{len(kept.torchvision)} of torchvision's and {len(kept.own)} of your own ({plugins.folder()}) are counted"
    said += f"; methods of your own: {', '.join(kept.methods)}" if kept.methods else ""
    return Examined("nets", True, said if kept.fresh else f"{said}; the rest: kdstudio catalog --user")
