"""Which weights of a net belong to which kind of layer, found by running the net without computing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from engine.nets.counts import parameters, size_in_bytes, without_storage
from engine.nets.net import Net
from engine.quantize.activations import ActivationQuantizer
from engine.quantize.settings import QuantizeSettings
from engine.quantize.sizes import FLOAT, ROLES, Counts, Layers, Role, Sizes, sizes

NAMES = ("weight", "in_proj_weight")
"""What the weights of a layer are called; the second is attention's. Tables and tokens of other names are none."""

SHORTCUTS = ("downsample", "shortcut")
"""What the modules of projection shortcuts are called, in our nets and in the public ones."""

ACTIVATIONS = (nn.ReLU, nn.ReLU6)
"""Modules in whose place an activation quantizer stands."""

_SMOOTH = ("relu", "relu_", "relu6", "hardtanh", "hardswish", "silu", "gelu", "mish", "elu", "celu", "selu", "leaky_relu",
           "rrelu", "prelu")  # fmt: skip


class Weights(NamedTuple):
    """Weights of one layer: the path of its module, the name they have there, what kind of layer it is, and how many."""

    path: str
    name: str
    role: Role
    size: int


class Ran(NamedTuple):
    """What one image without storage met: the paths of the modules with weights in their order, and the names of activation
    functions that no module of `ACTIVATIONS` or quantizer stands for."""

    order: tuple[str, ...]
    functions: tuple[str, ...]


def weights_of(net: Net, order: tuple[str, ...]) -> tuple[Weights, ...]:
    """The weights of every layer: parameters of two and more dimensions, by what they are called (`NAMES`).

    The first layer is the first that ran, the last the last; shortcuts are known by their name. The rest is `inner`."""
    ends: Mapping[str, Role] = {order[0]: "first", order[-1]: "last"} if order else {}
    return tuple(
        Weights(path, name, ends.get(path, "shortcut" if _is_shortcut(path) else "inner"), weight.numel())
        for path, module, name, weight in _parameters(net)
    )


def _parameters(net: nn.Module) -> Iterator[tuple[str, nn.Module, str, Tensor]]:
    seen = set[int]()
    for path, module in net.named_modules():
        for name in NAMES:
            weight = module._parameters.get(name)
            if weight is not None and weight.ndim >= 2 and id(weight) not in seen:
                seen.add(id(weight))
                yield path, module, name, weight


def _is_shortcut(path: str) -> bool:
    return any(part in SHORTCUTS for part in path.split("."))


def activations_of(net: nn.Module) -> dict[str, nn.Module]:
    """Every ReLU once, by its (first) path."""
    return {path: module for path, module in net.named_modules() if isinstance(module, ACTIVATIONS)}


def ran(net: Net) -> Ran:
    """Run an image without storage through a copy of the net and note what it meets."""
    ghost = without_storage(net)
    order: list[str] = []
    for path, module, _, _ in _parameters(ghost):
        module.register_forward_pre_hook(_noting(order, path))
    with torch.no_grad(), _Listening() as heard:
        for module in ghost.modules():
            if isinstance(module, ACTIVATIONS):
                module.forward = heard.deaf(module.forward)  # type: ignore[method-assign]
        ghost(torch.empty(1, net.frame.channels, net.frame.size, net.frame.size, device="meta"))
    return Ran(tuple(dict.fromkeys(order)), tuple(dict.fromkeys(heard.functions)))


def _noting(order: list[str], path: str) -> Any:
    def note(module: nn.Module, args: Any) -> None:
        order.append(path)

    return note


class _Listening(TorchFunctionMode):
    """Inside, calls of activation functions are noted by their names."""

    def __init__(self) -> None:
        super().__init__()
        self.functions: list[str] = []
        self._deaf = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note the function and go on."""
        name = getattr(func, "__name__", "")
        if name in _SMOOTH and not self._deaf:
            self.functions.append(name)
        return func(*args, **(kwargs or {}))

    def deaf(self, forward: Any) -> Any:
        """A module's forward pass whose own functions are not noted."""

        def run(x: Tensor) -> Tensor:
            self._deaf = True
            try:
                return forward(x)  # type: ignore[no-any-return]
            finally:
                self._deaf = False

        return run


def counts_of(weights: Iterable[Weights]) -> Counts:
    """Of each kind of layer how many there are and how many weights they have."""
    found = list(weights)
    return {role: (sum(w.role == role for w in found), sum(w.size for w in found if w.role == role)) for role in ROLES}


def described(net: Net) -> Layers:
    """What the catalogue keeps of a net's layers."""
    met, frame = ran(net), net.frame
    weights = weights_of(net, met.order)
    counts = counts_of(weights)
    last = next((net.get_submodule(w.path) for w in weights if w.role == "last"), net)
    bias = last._parameters.get("bias")
    rest_per_class = 0 if bias is None else bias.numel() // frame.classes
    rest = parameters(net) - sum(w.size for w in weights) - rest_per_class * frame.classes
    carried = sum(b.numel() * b.element_size() for b in (net.mean, net.std))
    return Layers(
        first=counts["first"][1] // frame.channels, last=counts["last"][1] // frame.classes,
        inner_layers=counts["inner"][0], shortcut_layers=counts["shortcut"][0], shortcuts=counts["shortcut"][1],
        rest=rest, rest_per_class=rest_per_class, buffers=size_in_bytes(net) - FLOAT * parameters(net) - carried,
        activations=0 if met.functions else len(activations_of(net)),
    )  # fmt: skip


def sizes_of(net: Net) -> Sizes:
    """Bytes of a net as it is quantized (see `engine.quantize.sizes`) and as it would be without."""
    settings = QuantizeSettings(**net.quantize)
    steps = sum(isinstance(module, ActivationQuantizer) for module in net.modules())
    counts = counts_of(weights_of(net, ran(net).order))
    return sizes(settings, counts, steps, size_in_bytes(net) - FLOAT * steps)
