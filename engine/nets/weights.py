"""Weights from checkpoints: safetensors files and the state dicts of the public CIFAR model zoos, in their key dialects."""

from __future__ import annotations

import argparse
import json
import pickle
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from engine import nets
from engine.nets.net import Net, NetError

WRAPPERS = ("state_dict", "model", "net", "model_state_dict")
PREFIXES = ("module.", "_orig_mod.", "student.", "model.", "net.")
OWN = ("mean", "std")
COUNTERS = re.compile(r"(?:^|\.)(?:total_ops|total_params)$")
"""What profilers leave in the state of a net they counted."""
SHOWN = 5
HARMLESS: list[Any] = [
    argparse.Namespace,
    numpy.dtype,
    (numpy.float64(0).__reduce__()[0], "numpy.core.multiarray.scalar"),
    (numpy.float64(0).__reduce__()[0], "numpy._core.multiarray.scalar"),
    *(type(numpy.dtype(name)) for name in ("float64", "float32", "int64")),
]
"""Plain data beside the weights in the public libraries' checkpoints: settings and accuracies. Reading it runs no code."""


def load_weights(net: Net, path: str | Path) -> tuple[str, ...]:
    """Put the weights of a .safetensors, .pth, .pt or .th file into the net; returns notes for the log.

    Understood are plain state dicts and those under `state_dict`, `model` or `net`, `module.` prefixes, `linear` heads,
    `shortcut` projections, and the key names of the public distillation libraries. A file without normalization leaves the
    net its own. Nothing in a file is executed. Raises NetError for an unreadable file and for weights of another net, listing
    the first keys and shapes that differ.
    """
    path = Path(path)
    return _put(net, _read(path), path)


def from_file(
    path: str | Path, key: str, *, classes: int, channels: int, size: int, mean: Sequence[float], std: Sequence[float]
) -> tuple[Net, tuple[str, ...]]:
    """The net of a file for images of `channels` x `size` x `size`, and notes for the log.

    As `load_weights`, and the net is built as the file holds it: with the parts of a student, with zero-padding shortcuts. A
    file of kdstudio brings its own normalization, any other gets `mean` and `std`. Raises NetError as `load_weights` does,
    and where the file tells another number of classes apart.
    """
    path = Path(path)
    state, identity = _read(path), _identity(path)
    if identity:
        _check_identity(identity, path, key, channels, classes)
        net = nets.build(**{**identity, "size": size})
    else:
        variant = _variant(state, key, classes, channels, size)
        net = nets.build(key, classes=classes, channels=channels, size=size, mean=mean, std=std, variant=variant)
    notes = _put(net, state, path)
    if net.frame.variant and not identity:
        notes = (f"{path.name} holds a {key} with {net.frame.variant} shortcuts; it is built with them.", *notes)
    return net, notes


def classes_in(path: str | Path, key: str, *, channels: int, size: int) -> int:
    """How many classes the weights of a file tell apart. Raises NetError as `load_weights`, also where it has no classifier
    of this net."""
    path = Path(path)
    net = nets.ghost(key, classes=2, channels=channels, size=size)
    head = _head(net)
    state = translated(_read(path), net)
    if f"{head}.weight" not in state:
        raise NetError(f"{path} has no {head}.weight, the classifier of {key}; choose a checkpoint of the whole net")
    return len(state[f"{head}.weight"])


def state_of(path: str | Path) -> dict[str, Tensor]:
    """The weights of a file under their names there. Nothing in it is executed. Raises NetError as `load_weights`."""
    return _read(Path(path))


def classes_told(state: Mapping[str, Tensor], key: str, *, channels: int, size: int) -> int:
    """How many classes a state dict tells apart as the weights of this net; 0 where they are not. Raises NetError where the net
    cannot be had for such images."""
    return max(_told(state, nets.ghost(key, classes=2, channels=channels, size=size, variant=v)) for v in nets.variants(key))


def _told(state: Mapping[str, Tensor], net: Net) -> int:
    found, own, head = translated(state, net), net.state_dict(), _head(net)
    classifier = (f"{head}.weight", f"{head}.bias")
    if _missing(net, found) or _extra(net, found):
        return 0
    if any(own[k].shape != v.shape for k, v in found.items() if k not in classifier and k not in OWN):
        return 0
    weight = found[classifier[0]]
    return len(weight) if weight.shape[1:] == own[classifier[0]].shape[1:] else 0


def _put(net: Net, read: Mapping[str, Tensor], path: Path) -> tuple[str, ...]:
    """Fill the net; a note where the file brings no normalization."""
    state = translated(read, net)
    _check(net, state, path)
    own = net.state_dict()
    net.load_state_dict({name: state.get(name, value) for name, value in own.items()})
    if all(name in state for name in OWN):
        return ()
    return (f"{path.name} carries no normalization; {net.frame.key} keeps that of the dataset.",)


def _variant(state: Mapping[str, Tensor], key: str, classes: int, channels: int, size: int) -> str:
    """The build of a net that has every key of the file and lacks none; the listed one where none has."""
    for variant in nets.variants(key):
        ghost = nets.ghost(key, classes=classes, channels=channels, size=size, variant=variant)
        found = translated(state, ghost)
        if not _missing(ghost, found) and not _extra(ghost, found):
            return variant
    return ""


def _check_identity(identity: Mapping[str, Any], path: Path, key: str, channels: int, classes: int) -> None:
    if identity["key"] != key:
        held = identity["key"]
        raise NetError(f"{path} holds a {held}, not a {key}; set the net to {held}, or choose another file")
    if identity["channels"] != channels:
        raise NetError(f"{path} takes images of {identity['channels']} channels, these have {channels}; choose another file")
    if identity["classes"] != classes:
        raise _other_classes(path, identity["classes"], classes)


def _other_classes(path: Path, told: int, wanted: int) -> NetError:
    return NetError(
        f"{path} tells {told} classes apart, the dataset has {wanted}; choose a checkpoint trained on the same classes"
    )


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise NetError(f"there is no file {path}; choose a checkpoint (.safetensors, .pth, .pt or .th)")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise NetError(f"{path} is not a readable safetensors file ({error}); save or download it again") from error
    try:
        with torch.serialization.safe_globals(HARMLESS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise NetError(
            f"{path} holds more than weights or is damaged; nothing in a checkpoint is executed here. Save its state dict "
            "alone, as torch.save(net.state_dict(), file) or as safetensors"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise NetError(f"{path} is not a readable checkpoint ({_first_line(error)}); save or download it again") from error
    return _unwrapped(content, path)


def _unwrapped(content: Any, path: Path) -> dict[str, Tensor]:
    """The state dict of a file, whatever it is wrapped in; of a whole distiller's state the student."""
    if not isinstance(content, dict):
        content = {}
    inner = next((content[w] for w in WRAPPERS if isinstance(content.get(w), dict)), None)
    if inner is not None:
        return _unwrapped(inner, path)
    tensors = {k: v for k, v in content.items() if isinstance(v, Tensor) and not COUNTERS.search(k)}
    if not tensors:
        raise NetError(f"{path} holds no state dict; save it as torch.save(net.state_dict(), file)")
    students = {k: v for k, v in tensors.items() if re.match(r"(?:module\.)?student\.", k)}
    return students or tensors


def translated(state: Mapping[str, Tensor], net: Net) -> dict[str, Tensor]:
    """The state dict with the key names of our nets, without what the net has no use for."""
    own = net.state_dict().keys()
    named = {_key(name, own, net): tensor for name, tensor in state.items()}
    return {k: v for k, v in named.items() if k in own or not net.unused or not re.match(net.unused, k)}


def _key(name: str, own: Collection[str], net: Net) -> str:
    while (prefix := next((p for p in PREFIXES if name.startswith(p)), "")) and name not in own:
        name = name.removeprefix(prefix)
    for pattern, words in net.dialect:
        name = re.sub(pattern, words, name)
    for inside in ("", "net."):  # torchvision's nets stand inside ours
        if inside + name in own:
            return inside + name
    name = re.sub(r"(?<=\.)shortcut\.", "downsample.", name)
    if not net.has_linear_head:
        return name
    return re.sub(r"^(?:fc|linear|classifier|head)\.(?:\d+\.)?(?=weight$|bias$)", f"{_head(net)}.", name)


def _head(net: Net) -> str:
    return next(name for name, module in net.named_modules() if module is net.head)


def _missing(net: Net, state: Mapping[str, Tensor]) -> list[str]:
    own = net.state_dict()
    return [k for k in own if k not in state and k not in OWN and not k.endswith("num_batches_tracked")]


def _extra(net: Net, state: Mapping[str, Tensor]) -> list[str]:
    own = net.state_dict()
    return [k for k in state if k not in own]


def _check(net: Net, state: Mapping[str, Tensor], path: Path) -> None:
    """Raises NetError where the file's weights are not those of the net."""
    own, missing, extra = net.state_dict(), _missing(net, state), _extra(net, state)
    shapes = [k for k, v in state.items() if k in own and own[k].shape != v.shape]
    held = str(_identity(path).get("key", "")) if missing or extra or shapes else ""
    if held and held != net.frame.key:
        raise NetError(f"{path} holds a {held}, not a {net.frame.key}; set the net to {held}, or choose another file")
    if missing and not extra and not shapes and all("downsample" in k for k in missing):
        raise NetError(
            f"{path} is a ResNet with zero-padding shortcuts; {net.frame.key} has projection shortcuts. "
            "Use a checkpoint with projections"
        )
    if shapes and not missing and not extra and net.has_linear_head and _only_classes_differ(net, state, shapes):
        raise _other_classes(path, len(state[f"{_head(net)}.weight"]), net.frame.classes)
    if missing or extra or shapes:
        raise NetError(f"{path} does not fit {net.frame.key}: " + "; ".join(_differences(own, state, missing, extra, shapes)))


def _only_classes_differ(net: Net, state: Mapping[str, Tensor], shapes: list[str]) -> bool:
    weight, bias = f"{_head(net)}.weight", f"{_head(net)}.bias"
    return set(shapes) <= {weight, bias} and state[weight][0].shape == net.state_dict()[weight][0].shape


def _identity(path: Path) -> dict[str, Any]:
    """With what a student file of kdstudio is rebuilt; empty for any other file."""
    if path.suffix != ".safetensors":
        return {}
    with safe_open(path, framework="pt") as file:
        text = (file.metadata() or {}).get("net", "")
    try:
        identity = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return identity if isinstance(identity, dict) and "key" in identity else {}


def _differences(
    own: Mapping[str, Tensor], state: Mapping[str, Tensor], missing: list[str], extra: list[str], shapes: list[str]
) -> list[str]:
    sizes = [f"{k} is {_size(state[k])} in the file and {_size(own[k])} in the net" for k in shapes]
    words = []
    if missing:
        words.append(f"the file lacks {_some(missing)}")
    if extra:
        words.append(f"the net lacks {_some(extra)}")
    if sizes:
        words.append(_some(sizes))
    return words


def _some(items: list[str]) -> str:
    rest = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _size(tensor: Tensor) -> str:
    return "x".join(str(n) for n in tensor.shape) or "a single number"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
