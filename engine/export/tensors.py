"""A net's state as a file can hold it."""

from __future__ import annotations

from torch import Tensor, nn


def apart(net: nn.Module) -> dict[str, Tensor]:
    """The state dict on the CPU, each tensor in memory of its own, for safetensors refuses what is shared: a module that
    stands at two places, such as the activation quantizer of a block, has its numbers there twice."""
    found: dict[str, Tensor] = {}
    taken = set[int]()
    for name, tensor in net.state_dict().items():
        kept = tensor.detach().cpu().contiguous()
        found[name] = kept.clone() if kept.data_ptr() in taken else kept
        taken.add(kept.data_ptr())
    return found
