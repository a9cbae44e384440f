"""A frozen net made quick: batch normalization folded into the convolutions before it, weights in the run's precision.

Folding is exact in real arithmetic: in eval mode BN(conv(x)) = γ (W x + b - μ) / √(σ² + ε) + β is a convolution again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from engine.nets.net import Net
from engine.quantize.wrapping import baked

CAST = (nn.Conv2d, nn.Linear)
"""What autocast runs in lower precision anyway: its weights are stored so once, instead of being cast at every step."""
NEAR = 1e-3
"""A folded net may differ from the net by this share of its largest logit (float32 rounding leaves about 1e-6)."""

Pair = tuple[str, str]
"""The paths of a convolution and of the normalization after it."""


def folded(net: Net, dtype: torch.dtype = torch.float32) -> Net:
    """A copy of a net in eval mode, every batch normalization that alone reads a convolution's output folded into it, the
    weights of convolutions and linear layers in `dtype`. Taps stay where they are and see what they saw.

    Who else reads an output cannot be seen from outside, so the copy is held against the net on an image of noise; where
    they differ each pair is tried by itself, and those that change something stay as they are.
    """
    x = torch.rand(1, net.frame.channels, net.frame.size, net.frame.size, generator=torch.Generator().manual_seed(0))
    x = x.to(net.mean.device)
    net = baked(net)
    with torch.no_grad():
        pairs, logits = _followed(copy.deepcopy(net).eval(), x)
        made = _with(net, pairs)
        if not _near(made(x), logits):
            made = _with(net, [pair for pair in pairs if _near(_with(net, [pair])(x), logits)])
    for module in made.modules():
        if isinstance(module, CAST):
            module.to(dtype)
    return made


def _with(net: Net, pairs: Iterable[Pair]) -> Net:
    made = copy.deepcopy(net).eval().requires_grad_(False)
    for convolution, norm in pairs:
        before, after = made.get_submodule(convolution), made.get_submodule(norm)
        assert isinstance(before, nn.Conv2d) and isinstance(after, nn.BatchNorm2d)
        made.set_submodule(convolution, fuse_conv_bn_eval(before, after))
        made.set_submodule(norm, nn.Identity())
    return made


def _near(found: Tensor, wanted: Tensor) -> bool:
    return float((found - wanted).abs().max()) <= NEAR * float(wanted.abs().max())


def _followed(net: Net, x: Tensor) -> tuple[list[Pair], Tensor]:
    """Paths of each convolution and the batch normalization that takes its output as it is, where no tap looks between them
    and both are called once; and the logits of x."""
    left: dict[int, tuple[str, Tensor, int]] = {}  # the tensors themselves, so that none is freed and its number used again
    pairs, calls = list[Pair](), list[str]()
    handles = []

    def convolved(path: str) -> Callable[..., None]:
        def note(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
            calls.append(path)
            left[id(output)] = (path, output, output._version)

        return note

    def normalized(path: str) -> Callable[..., None]:
        def note(module: nn.Module, args: tuple[Tensor, ...]) -> None:
            calls.append(path)
            before = left.get(id(args[0]))
            if before is not None and args[0]._version == before[2]:
                pairs.append((before[0], path))

        return note

    for path, module in net.named_modules():
        if type(module) is nn.Conv2d:
            handles.append(module.register_forward_hook(convolved(path)))
        elif isinstance(module, nn.BatchNorm2d):
            handles.append(module.register_forward_pre_hook(normalized(path)))
    logits = net(x)
    for handle in handles:
        handle.remove()
    looked_at = {(place.path, place.moment) for place in net.places.values()}
    return [
        (here, there) for here, there in pairs
        if calls.count(here) == calls.count(there) == 1 and not {(here, "output"), (there, "input")} & looked_at
    ], logits  # fmt: skip
