"""The quantization of one run's student: put in place, told of epochs and steps, asked at evaluations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from engine.cards import Watch
from engine.nets.net import Net
from engine.quantize import looking
from engine.quantize.declared import NAME, watches
from engine.quantize.flips import Flips
from engine.quantize.settings import FULL, QuantizeSettings
from engine.quantize.starting import begin, steps_for
from engine.quantize.wrapping import Account, Started, layers_of, quantize, quantizers_of


class Shown(NamedTuple):
    """A watch with its value and what its rows and columns are called."""

    name: str
    watch: Watch
    value: Tensor
    labels: dict[str, list[Any]]


class Quantization:
    """What the session knows of its student's quantizers; of a student in float32 there is nothing to know or to do.

    `net` is the float student, which is quantized here. `images` gives training images (B, C, H, W) in [0, 1] from which steps
    are calibrated; `epochs` and `steps` are the length of the run; `started` are the steps of a student that was quantized
    before, which go before.
    """

    def __init__(
        self,
        net: Net,
        settings: QuantizeSettings,
        images: Callable[[], Tensor],
        epochs: int,
        steps: int,
        started: Started | None = None,
    ) -> None:
        self.settings, self.epochs, self._epoch = settings, epochs, 0
        first = steps_for(net, images, settings) if settings.activations != FULL else None
        self.account: Account | None = quantize(net, settings) if settings.wanted else None
        for each in (first, started):
            if each is not None:
                begin(net, each)
        self._layers, self._flips = list(layers_of(net)), Flips(net, steps)
        self._steps = tuple(q.step for _, q in quantizers_of(net) if isinstance(q.step, nn.Parameter))
        self._declared = {watch.name: watch for watch in watches(settings)}

    def undecayed(self) -> tuple[nn.Parameter, ...]:
        """The steps of activation quantizers, which weight decay spares."""
        return self._steps

    def weight_at(self, epoch: int) -> float:
        """BinaryRelax's λ in an epoch counted from 1; infinite where weights are quantized wholly."""
        settings = self.settings
        if settings.blend == "none" or epoch > settings.blend_until * self.epochs:
            return math.inf
        return settings.blend_start * settings.blend_growth ** (epoch - 1)

    def stepping(self, epoch: int) -> None:
        """Before a step of an epoch counted from 1: weights are as hard as they then should be."""
        if self.settings.blend == "none" or epoch == self._epoch:
            return
        self._epoch = epoch
        for layer in self._layers:
            layer.quantizer.harden(self.weight_at(epoch))

    def stepped(self, step: int) -> dict[str, float]:
        """After the update of step number `step`: what was counted, if a count ended with it."""
        share = self._flips.stepped(step)
        return {} if share is None else {f"{NAME}.flips": share}

    def look(self, net: Net, x: Tensor) -> tuple[dict[str, float], list[Shown]]:
        """Scalars and watches of the student as it is evaluated (`net`, its moving average where there is one), on images x."""
        scalars: dict[str, float] = {}
        shown: list[Shown] = []
        if self._layers:
            weights = looking.of_weights(net)
            scalars["rare_weight_levels"] = looking.rare(weights.shares)
            shown += [
                self._shown(
                    "weights", weights.histogram, weights.layers, weights.places, edges=weights.edges, levels=weights.at
                ),
                self._shown("levels", weights.shares, weights.layers, weights.levels),
            ]
        if any(True for _ in quantizers_of(net)):
            seen = looking.of_activations(net, x)
            scalars["most_clipped"] = float(seen.clipped.max())
            scalars["rare_activation_levels"] = looking.rare(seen.shares)
            shown += [
                self._shown("activation_levels", seen.shares, seen.places, seen.levels),
                self._shown("steps", seen.steps, seen.places),
                self._shown("clipped", seen.clipped, seen.places),
            ]
        return {f"{NAME}.{name}": value for name, value in scalars.items()}, shown

    def _shown(self, name: str, value: Tensor, rows: list[str], columns: list[str] | None = None, **more: list[Any]) -> Shown:
        labels: dict[str, list[Any]] = {"names": list(rows)} if columns is None else {"rows": rows, "columns": columns}
        return Shown(f"{NAME}.{name}", self._declared[name], value, labels | more)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps beside the student."""
        return self._flips.state()

    def load(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self._flips.load(state)
