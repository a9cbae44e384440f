"""What the parts that methods put into a student cost: the student beside itself without them."""

from __future__ import annotations

import torch

from engine import nets
from engine.modes import evaluating
from engine.nets.counts import multiply_adds, parameters
from engine.nets.net import Net
from engine.timing import milliseconds

IMAGES = 64
"""Images a timed forward pass."""
ROUNDS = 15


def without_parts(net: Net) -> Net:
    """The net as it would be without parts, its weights fresh, on the same device."""
    identity = {name: value for name, value in net.identity().items() if name != "parts"}
    bare = nets.build(**identity).to(net.mean.device).eval()
    return bare.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]  # as students lie


def cost_of_parts(net: Net, shape: tuple[int, int, int]) -> dict[str, float | int]:
    """Parameters and multiply-adds of the net without its parts, and milliseconds a batch of `IMAGES` images of `shape` takes
    with and without them; nothing for a net without parts. Passes of both take turns, and the quickest of each counts, for what
    else runs on the machine only slows them."""
    if not net.parts:
        return {}
    bare = without_parts(net)
    x = torch.rand(IMAGES, *shape, device=net.mean.device)
    with evaluating(net):
        pairs = [(milliseconds(net, x), milliseconds(bare, x)) for _ in range(ROUNDS + 1)][1:]
    own, other = (min(times) for times in zip(*pairs))
    return {
        "parameters_bare": parameters(bare),
        "multiply_adds_bare": multiply_adds(bare, shape),
        "milliseconds": own,
        "milliseconds_bare": other,
    }
