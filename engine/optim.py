"""Optimizers, learning rates as a pure function of the step, and the moving average of a net's weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from engine.experiment import TrainingSettings

NORMS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)


def optimizer(
    modules: Iterable[nn.Module], settings: TrainingSettings, undecayed: Collection[Tensor] = ()
) -> torch.optim.Optimizer:
    """The optimizer of the settings over every trainable parameter of `modules`, each once; `undecayed` ones without weight
    decay.

    The session sets the learning rate of all groups before each update (see `rate`).
    """
    groups = _groups(modules, settings, frozenset(undecayed))
    lr = settings.learning_rate
    fused = {p.device.type for g in groups for p in g["params"]} <= {"cpu", "cuda"}
    match settings.optimizer:
        case "sgd":
            nesterov = settings.nesterov and settings.momentum > 0
            return _sgd(groups, lr, settings.momentum, nesterov, fused)
        case "adamw":
            return torch.optim.AdamW(groups, lr=lr, fused=fused)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=lr, momentum=settings.momentum)


def _groups(modules: Iterable[nn.Module], settings: TrainingSettings, undecayed: frozenset[Tensor]) -> list[dict[str, Any]]:
    """Parameters with and without weight decay; empty groups left out."""
    decayed: dict[Tensor, None] = {}
    spared: dict[Tensor, None] = {}
    for module in modules:
        for owner in module.modules():
            for name, parameter in owner.named_parameters(recurse=False):
                spare = not settings.decay_norms_and_biases and (name == "bias" or isinstance(owner, NORMS))
                spare = spare or parameter in undecayed
                if parameter.requires_grad:
                    (spared if spare else decayed).setdefault(parameter)
    return [
        {"params": list(params), "weight_decay": decay}
        for params, decay in ((decayed, settings.weight_decay), (spared, 0.0))
        if params
    ]


def _sgd(groups: list[dict[str, object]], lr: float, momentum: float, nesterov: bool, fused: bool) -> torch.optim.SGD:
    """SGD whose momentum starts at zero from the beginning, which is what a first step would make of it: a fused first step
    that is masked would leave it as uninitialized memory instead (seen in torch 2.15)."""
    updates = torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov, fused=fused)
    if momentum:
        for group in updates.param_groups:
            for parameter in group["params"]:
                updates.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return updates


def restore(updates: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Load an optimizer's state, each tensor laid out in memory as its parameter is: fused updates pair the two element by
    element as they lie, and a checkpoint keeps no layout."""
    updates.load_state_dict(dict(state))
    for parameter, kept in updates.state.items():
        for name, value in kept.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                kept[name] = torch.empty_like(parameter).copy_(value)


def rate(settings: TrainingSettings, step: int, steps_per_epoch: float) -> float:
    """The learning rate of the update number `step`, counted from 0; `steps_per_epoch` counts updates.

    Warm-up grows linearly and reaches the peak with its last update; cosine falls over the rest, to just above zero in
    the last update; multistep multiplies by `drop` once each milestone's epochs are over (milestone 150: from the 151st).
    """
    warmup = settings.warmup_epochs * steps_per_epoch
    if step < warmup:
        return settings.learning_rate * min((step + 1) / warmup, 1.0)
    match settings.schedule:
        case "constant":
            factor = 1.0
        case "cosine":
            length = max(settings.epochs * steps_per_epoch - warmup, 1.0)
            factor = 0.5 * (1 + math.cos(math.pi * min((step - warmup) / length, 1.0)))
        case "multistep":
            factor = settings.drop ** sum(step >= m * steps_per_epoch for m in settings.milestones)
    return settings.learning_rate * factor


class Average:
    """The exponential moving average of a net's weights and buffers, as a net of its own (`net`), in eval mode.

    a ← d a + (1 - d) w with d = min(decay, (1 + n) / (10 + n)) at update n, so that the fresh weights fade quickly;
    whole numbers (batch counters) are copied.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.net = copy.deepcopy(net).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Move the average towards the net's present weights."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        own, new = self.net.state_dict(), net.state_dict()
        moving = [k for k, v in own.items() if v.is_floating_point()]
        torch._foreach_lerp_([own[k] for k in moving], [new[k] for k in moving], 1 - decay)
        for k in own.keys() - set(moving):
            own[k].copy_(new[k])

    def state_dict(self) -> dict[str, Tensor]:
        """Tensors for a checkpoint."""
        return {"updates": torch.tensor(self.updates), **{f"net.{k}": v for k, v in self.net.state_dict().items()}}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """The inverse of `state_dict`."""
        self.updates = int(state["updates"])
        self.net.load_state_dict({k.removeprefix("net."): v for k, v in state.items() if k.startswith("net.")})
