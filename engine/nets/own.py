"""Nets of the user's own, from `nets/*.py` in the plug-in folder: read, checked, and refused by file and line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine import plugins
from engine.nets.net import Design, Frame, Net, NetError
from engine.plugins import PluginError, blamed, line_of

CLASSES, IMAGES = 5, 2
"""With how many classes and images a plug-in net is tried."""


@dataclass(frozen=True)
class Found:
    """The plug-in nets by key, the file of each, and why other files or nets cannot be used."""

    designs: Mapping[str, Design]
    paths: Mapping[str, Path]
    problems: tuple[str, ...]


def found(taken: Collection[str]) -> Found:
    """The plug-in nets as the files stand now; `taken` are the keys of other nets."""
    return _found(plugins.folder(), plugins.sources(), frozenset(taken))


@cache
def _found(folder: Path, sources: str, taken: frozenset[str]) -> Found:
    """Kept by the files' hash, so that a changed file is read again."""
    designs, paths, problems = dict[str, Design](), dict[str, Path](), list[str]()
    for path in plugins.files("nets"):
        try:
            for design in _declared(path):
                _check_key(design, path, taken, paths)
                designs[design.key] = replace(design, make=partial(_made, design.make, path))
                paths[design.key] = path
        except PluginError as error:
            problems.append(str(error))
    return Found(designs, paths, tuple(problems))


def _declared(path: Path) -> tuple[Design, ...]:
    declared = getattr(plugins.load(path), "NETS", None)
    if not isinstance(declared, (tuple, list)) or not declared:
        raise PluginError(f"{path}, line {line_of(path, 'NETS')}: declares no nets; end it with NETS = (Design(...),)")
    wrong = next((d for d in declared if not isinstance(d, Design)), None)
    if wrong is not None:
        line = line_of(path, "NETS")
        raise PluginError(f"{path}, line {line}: NETS holds a {type(wrong).__name__}; every entry must be a Design")
    return tuple(declared)


def _check_key(design: Design, path: Path, taken: Collection[str], paths: Mapping[str, Path]) -> None:
    where = f"{path}, line {line_of(path, repr(design.key)[1:-1])}"
    owner = "kdstudio's own nets" if design.key in taken else str(paths.get(design.key, ""))
    if owner:
        raise PluginError(f"{where}: the key {design.key!r} is taken by {owner}; choose another")
    if not design.key or design.key == "none" or design.key.startswith("torchvision."):
        raise PluginError(f"{where}: {design.key!r} cannot be the key of a net; choose another")


def _made(make: Callable[[Frame], Net], path: Path, frame: Frame) -> Net:
    try:
        return make(frame)
    except Exception as error:  # a user's own code may raise anything
        raise NetError(blamed(path, error)) from error


def check(design: Design, path: Path, build: Callable[..., Net]) -> None:
    """Try a plug-in net on two images of its smallest side, in one and in three channels. Raises NetError with file and
    line where it cannot be made, gives no logits, or lacks a tap."""
    for channels in (1, 3):
        net = build(design.key, classes=CLASSES, channels=channels, size=design.exact or design.smallest)
        where = f"{path}, line {_line(net, path)}"
        _check_shape(net, path, where)
        _check_taps(net, path, where)


def _check_shape(net: Net, path: Path, where: str) -> None:
    if not isinstance(net, Net):
        raise NetError(f"{where}: make gives a {type(net).__name__}; it must give an engine.nets.Net")
    logits = _logits(net, path)
    if not isinstance(logits, Tensor) or tuple(logits.shape) != (IMAGES, CLASSES):
        gave = f"a tensor of shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
        raise NetError(
            f"{where}: logits() gives {gave} for {IMAGES} images and {CLASSES} classes; it must give ({IMAGES}, {CLASSES})"
        )


def _check_taps(net: Net, path: Path, where: str) -> None:
    if "pooled" not in net.places:
        raise NetError(f"{where}: there is no tap 'pooled', the features (d,) that the classifier reads; add it to the places")
    modules = dict(net.named_modules())
    for tap, place in net.places.items():
        if place.path not in modules:
            raise NetError(f"{where}: the tap {tap!r} stands at {place.path!r}, and the net has no such module")
    reached = _reached(net, path)
    missed = next((tap for tap, place in net.places.items() if place.path not in reached), None)
    if missed is not None:
        raise NetError(f"{where}: the tap {missed!r} is never reached: logits() does not call {net.places[missed].path!r}")
    if not isinstance(_head(net, path), nn.Linear):
        raise NetError(f"{where}: head is no nn.Linear; it must be the last linear layer")


def _reached(net: Net, path: Path) -> set[str]:
    """The modules that a forward pass calls."""
    called: set[str] = set()
    handles = [m.register_forward_hook(partial(_note, called, name)) for name, m in net.named_modules() if name]
    _logits(net, path)
    for handle in handles:
        handle.remove()
    return called


def _note(called: set[str], name: str, *_: Any) -> None:
    called.add(name)


def _logits(net: Net, path: Path) -> Any:
    images = torch.zeros(IMAGES, net.frame.channels, net.frame.size, net.frame.size)
    try:
        with torch.no_grad():
            return net.eval()(images)
    except Exception as error:  # a user's own code may raise anything
        raise NetError(blamed(path, error)) from error


def _head(net: Net, path: Path) -> Any:
    try:
        return net.head
    except Exception as error:  # a user's own code may raise anything
        raise NetError(f"{blamed(path, error)}; a net needs the property `head`, its last linear layer") from error


def _line(net: Any, path: Path) -> int:
    """Where the class of a net begins, if it stands in this file."""
    kind = type(net)
    if inspect.getsourcefile(kind) != str(path):
        return line_of(path, "NETS")
    return inspect.getsourcelines(kind)[1]
