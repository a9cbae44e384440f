"""A net with its weights and activations quantized, in place, and the account of what was.

Modules stay the objects they were, with their hooks, and float weights stay under their names: the state dict of a quantized
net is that of the float net with one `step` for each activation quantizer. A layer's class is exchanged for one that gives
its quantized weight to whoever reads `weight`, so a part's layer of its own kind is quantized, too.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine import nets
from engine.nets.net import Net, NetError
from engine.quantize.activations import ActivationQuantizer
from engine.quantize.layers import Ran, Weights, activations_of, ran, weights_of
from engine.quantize.settings import FULL, QuantizeSettings
from engine.quantize.sizes import ROLES, quantizes
from engine.quantize.weights import WeightQuantizer

KEPT: Mapping[str, str] = {"first": "the first layer", "inner": "between", "shortcut": "shortcuts", "last": "the last layer"}


class Layer(NamedTuple):
    """A layer of quantized weights: its path, the float weights behind, and their quantizer."""

    path: str
    weight: nn.Parameter
    quantizer: WeightQuantizer


class Started(NamedTuple):
    """Steps with which activation quantizers begin, by their paths, and for how many bits they are."""

    bits: int
    steps: Mapping[str, float]


@dataclass(frozen=True)
class Account:
    """What was quantized: how many layers with how many of all weights, the layers that a rule kept, and how many
    activation quantizers there are."""

    layers: int
    weights: int
    all_weights: int
    kept: Mapping[str, tuple[str, ...]]
    activations: int

    def sentence(self) -> str:
        """The account in words."""
        said = []
        if self.layers:
            kept = [f"{KEPT[role]} ({', '.join(paths)})" for role, paths in self.kept.items()]
            stays = f"; in float32 stay {' and '.join(kept)}" if kept else ""
            said.append(f"{self.layers} layers with {self.weights:,} of {self.all_weights:,} weights{stays}")
        if self.activations:
            said.append(f"the activations at {self.activations} quantizers")
        return f"Quantized are {', and '.join(said)}."


def quantize(net: Net, settings: QuantizeSettings) -> Account:
    """Put quantizers into a net, whose identity then carries the settings. What is wanted and cannot be is refused: raises
    NetError for activations that are no ReLU modules, where no layer is left to quantize, and for a quantized net."""
    if net.quantize:
        raise NetError(f"{net.frame.key} is quantized already; quantize the float net")
    met = ran(net)
    weights = weights_of(net, met.order) if settings.weights != FULL else ()
    chosen = [w for w in weights if quantizes(settings, w.role)]
    if settings.weights != FULL and not chosen:
        raise NetError(f"{net.frame.key} has no layer that these rules quantize; set student.quantize.weights to 32")
    modules = _replaceable(net, met) if settings.activations != FULL else ()
    for each in chosen:
        _quantize_layer(net.get_submodule(each.path), each.name, settings)
    for module in modules:
        _become(module, _activation_quantizer(settings))
    net.to(net.mean.device)
    net.train(net.training)
    net.quantize = settings.model_dump() if settings.wanted else {}
    return _account(weights, chosen, len(modules))


def _account(weights: tuple[Weights, ...], chosen: list[Weights], activations: int) -> Account:
    kept = {role: tuple(w.path for w in weights if w.role == role and w not in chosen) for role in ROLES}
    return Account(
        layers=len(chosen), weights=sum(w.size for w in chosen), all_weights=sum(w.size for w in weights),
        kept={role: paths for role, paths in kept.items() if paths}, activations=activations,
    )  # fmt: skip


def _replaceable(net: Net, met: Ran) -> tuple[nn.Module, ...]:
    """The modules in whose place activation quantizers stand. Raises NetError where that is not all there is."""
    modules = tuple(activations_of(net).values())
    if met.functions or not modules:
        why = f"calls {' and '.join(met.functions)} itself" if met.functions else "has none"
        raise NetError(
            f"the activations of {net.frame.key} cannot be quantized: quantizers stand in the place of ReLU modules, and it "
            f"{why}; set student.quantize.activations to 32, or choose another net"
        )
    return modules


def _quantize_layer(module: nn.Module, name: str, settings: QuantizeSettings) -> None:
    quantizer = WeightQuantizer(settings.weights, settings.ternary_scale, settings.blend == "binaryrelax")
    module.add_module(_holder(name), quantizer)
    module.__class__ = _quantized(type(module), name)  # type: ignore[arg-type]


def _holder(name: str) -> str:
    return f"{name}_quantizer"


@cache
def _quantized(kind: type[nn.Module], name: str) -> type[nn.Module]:
    """The class of such layers whose weights of this name are read through their quantizer."""

    def read(self: nn.Module) -> Tensor:
        return self._modules[_holder(name)](self._parameters[name])  # type: ignore[no-any-return,misc]

    return type(f"Quantized{kind.__name__}", (kind,), {name: property(read), "__doc__": kind.__doc__})


def _activation_quantizer(settings: QuantizeSettings) -> ActivationQuantizer:
    learned = settings.steps == "learned"
    return ActivationQuantizer(
        settings.activations, learned, settings.input_gradient, settings.step_gradient, settings.step_rate
    )


def _become(module: nn.Module, made: nn.Module) -> None:
    """Make a module what another is, so that whoever holds it, and the hooks on it, stay."""
    module.__class__ = type(made)
    module._parameters.update(made._parameters)
    module._buffers.update(made._buffers)
    vars(module).update({name: value for name, value in vars(made).items() if not name.startswith("_")})


def layers_of(net: nn.Module) -> Iterator[Layer]:
    """The layers of quantized weights of a net."""
    for path, module in net.named_modules():
        for name, quantizer in module.named_children():
            if isinstance(quantizer, WeightQuantizer):
                weight = module._parameters[name.removesuffix(_holder(""))]
                assert weight is not None
                yield Layer(path, weight, quantizer)


def quantizers_of(net: nn.Module) -> Iterator[tuple[str, ActivationQuantizer]]:
    """The activation quantizers of a net, each once, by their paths."""
    for path, module in net.named_modules():
        if isinstance(module, ActivationQuantizer):
            yield path, module


def baked(net: Net) -> Net:
    """A copy whose layers hold their quantized weights as float ones, without quantizers of weights; those of activations
    stay. It computes what the net computes in evaluation mode."""
    made = copy.deepcopy(net)
    for path, weight, quantizer in list(layers_of(made)):
        _bake(made.get_submodule(path), weight, quantizer)
    made.quantize = {**net.quantize, "weights": FULL} if any(True for _ in quantizers_of(made)) else {}
    return made


def _bake(module: nn.Module, weight: nn.Parameter, quantizer: WeightQuantizer) -> None:
    name = next(name for name, parameter in module._parameters.items() if parameter is weight)
    with torch.no_grad():
        weight.copy_(quantizer.eval()(weight))
    module.__class__ = type(module).__bases__[0]
    del module._modules[_holder(name)]


def unquantized(net: Net) -> tuple[Net, Started]:
    """The float net behind a quantized one, and what the steps of its activation quantizers were."""
    identity = {name: value for name, value in net.identity().items() if name != "quantize"}
    made = nets.build(**identity)
    state = net.state_dict()
    made.load_state_dict({name: state[name] for name in made.state_dict()})
    steps = {path: quantizer.step.item() for path, quantizer in quantizers_of(net)}
    started = Started(QuantizeSettings(**net.quantize).activations, steps)
    return made.to(net.mean.device).train(net.training), started
