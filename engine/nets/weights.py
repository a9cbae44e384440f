"""Weights from checkpoints: safetensors files and the state dicts of the public CIFAR model zoos, in their key dialects."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from engine.nets.net import Net, NetError

WRAPPERS = ("state_dict", "model", "net", "model_state_dict")
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
OWN = ("mean", "std")
SHOWN = 5


def load_weights(net: Net, path: str | Path) -> tuple[str, ...]:
    """Put the weights of a .safetensors, .pth, .pt or .th file into the net; returns notes for the log.

    Understood are plain state dicts and those under `state_dict`, `model` or `net`, `module.` prefixes, `linear` heads and
    `shortcut` projections. A file without normalisation leaves the net its own. Nothing in a file is executed. Raises
    NetError for an unreadable file and for weights of another net, listing the first keys and shapes that differ.
    """
    path = Path(path)
    state = translated(_read(path), net)
    _check(net, state, path)
    own = net.state_dict()
    carried = all(name in state for name in OWN)
    net.load_state_dict({name: state.get(name, value) for name, value in own.items()})
    return () if carried else (f"{path.name} carries no normalisation; {net.frame.key} keeps that of the dataset.",)


def outputs(net: Net, path: str | Path) -> int:
    """How many classes the weights of a file tell apart, in the key names of this net; 0 where the file has no such head.
    Raises NetError for an unreadable file."""
    state = translated(_read(Path(path)), net)
    head = next((name for name, module in net.named_modules() if net.has_linear_head and module is net.head), "")
    return len(state[f"{head}.weight"]) if f"{head}.weight" in state else 0


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise NetError(f"there is no file {path}; choose a checkpoint (.safetensors, .pth, .pt or .th)")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise NetError(f"{path} is not a readable safetensors file ({error}); save or download it again") from error
    try:
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
    """The state dict of a file, whatever it is wrapped in."""
    if not isinstance(content, dict):
        content = {}
    inner = next((content[w] for w in WRAPPERS if isinstance(content.get(w), dict)), None)
    if inner is not None:
        return _unwrapped(inner, path)
    tensors = {k: v for k, v in content.items() if isinstance(v, Tensor)}
    if not tensors:
        raise NetError(f"{path} holds no state dict; save it as torch.save(net.state_dict(), file)")
    return tensors


def translated(state: Mapping[str, Tensor], net: Net) -> dict[str, Tensor]:
    """The state dict with the key names of our nets."""
    head = next(name for name, module in net.named_modules() if module is net.head)
    own = net.state_dict().keys()
    return {_key(name, own, head): tensor for name, tensor in state.items()}


def _key(name: str, own: Any, head: str) -> str:
    while (prefix := next((p for p in PREFIXES if name.startswith(p)), "")) and name not in own:
        name = name.removeprefix(prefix)
    if name in own:
        return name
    name = re.sub(r"(?<=\.)shortcut\.", "downsample.", name)
    return re.sub(r"^(fc|linear|classifier|head)\.(?=weight$|bias$)", f"{head}.", name)


def _check(net: Net, state: Mapping[str, Tensor], path: Path) -> None:
    """Raises NetError where the file's weights are not those of the net."""
    own = net.state_dict()
    forgiven = {k for k in own if k in OWN or k.endswith("num_batches_tracked")}
    missing = [k for k in own if k not in state and k not in forgiven]
    extra = [k for k in state if k not in own]
    shapes = [k for k, v in state.items() if k in own and own[k].shape != v.shape]
    held = _held(path) if missing or extra or shapes else ""
    if held and held != net.frame.key:
        raise NetError(f"{path} holds a {held}, not a {net.frame.key}; set the net to {held}, or choose another file")
    if missing and not extra and not shapes and all("downsample" in k for k in missing):
        raise NetError(
            f"{path} is a ResNet with zero-padding shortcuts; {net.frame.key} has projection shortcuts. "
            "Use a checkpoint with projections"
        )
    if missing or extra or shapes:
        raise NetError(f"{path} does not fit {net.frame.key}: " + "; ".join(_differences(own, state, missing, extra, shapes)))


def _held(path: Path) -> str:
    """The net that a student file of kdstudio says it holds; empty for any other file."""
    if path.suffix != ".safetensors":
        return ""
    with safe_open(path, framework="pt") as file:
        text = (file.metadata() or {}).get("net", "")
    try:
        identity = json.loads(text)
    except json.JSONDecodeError:
        return ""
    return str(identity.get("key", "")) if isinstance(identity, dict) else ""


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
