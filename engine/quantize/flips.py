"""How many weights go back and forth between levels: counted over a window of steps, on a sample of every layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from engine.nets.net import Net
from engine.quantize.declared import WINDOW
from engine.quantize.weights import on_levels
from engine.quantize.wrapping import layers_of

SAMPLE = 2048
"""Weights of a layer that are followed."""
TWICE = 2
"""A weight that changes its level so often within a window flips: it leaves a level and comes back, or goes on."""


WINDOWS = 10
"""Windows of a run, where it is long enough for each to be followed by a pause as long as itself."""


class Flips:
    """Follows the levels of a net's weights in some windows of `WINDOW` steps over a run of `steps`. Costs nothing between."""

    def __init__(self, net: Net, steps: int) -> None:
        self._layers, self._every = list(layers_of(net)), max(2 * WINDOW, steps // WINDOWS)
        self._last: Tensor | None = None
        self._changes: Tensor | None = None
        self._begun = 0

    def stepped(self, step: int) -> float | None:
        """Look at the weights after the update of step number `step` (from 0); the share of flipping weights where a window
        ends with it. A window that a later start begins in its middle is left out."""
        if not self._layers:
            return None
        if step % self._every == 0:
            self._last, self._begun = self._levels(), step
            self._changes = torch.zeros_like(self._last)
            return None
        if self._last is None or self._changes is None:
            return None
        now = self._levels()
        self._changes += now != self._last
        self._last = now
        if step - self._begun < WINDOW:
            return None
        share = float((self._changes >= TWICE).float().mean())
        self._last, self._changes = None, None
        return share

    @torch.no_grad()
    def _levels(self) -> Tensor:
        """The level of every followed weight, (N,) int8 (levels of 8 bits lie within ±127)."""
        found = []
        for layer in self._layers:
            q, _ = on_levels(layer.weight.detach().float(), layer.quantizer.bits, layer.quantizer.scale)
            flat = q.flatten()
            found.append(flat[:: -(-len(flat) // SAMPLE)])
        return torch.cat(found).to(torch.int8)

    def state(self) -> dict[str, Any]:
        """Where the window stands, for a checkpoint."""
        return {"last": self._last, "changes": self._changes, "begun": self._begun}

    def load(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        device = self._layers[0].weight.device if self._layers else torch.device("cpu")
        self._last, self._changes = (
            None if state[name] is None else state[name].to(device, copy=True) for name in ("last", "changes")
        )
        self._begun = int(state["begun"])
