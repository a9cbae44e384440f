"""How many bytes a quantized net has when it is packed: by rule from counts, without torch.

Packed are b bits a weight and one float32 scale a layer. Everything else stays: other parameters and buffers as they are,
and one float32 step an activation quantizer. What a file adds (names, whole bytes a layer) is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.quantize.settings import FULL, QuantizeSettings

Role = Literal["first", "inner", "shortcut", "last"]
ROLES: tuple[Role, ...] = ("first", "inner", "shortcut", "last")

Counts = Mapping[Role, tuple[int, int]]
"""Of each kind of layer: how many there are, and how many weights they have together."""

FLOAT = 4
"""Bytes of a float32: of a weight that is kept, a scale, a step."""


@dataclass(frozen=True)
class Layers:
    """What a net's layers come to whatever its images; `of_card` makes counts of it. `first` is per channel of the images,
    `last` per class; `rest` are numbers that are no layer's weights (biases, norms), `rest_per_class` the classifier's
    biases; `buffers` are bytes without the normalization; `activations` the quantizers it would have, 0 where it cannot."""

    first: int
    last: int
    inner_layers: int
    shortcut_layers: int
    shortcuts: int
    rest: int
    rest_per_class: int
    buffers: int
    activations: int


@dataclass(frozen=True)
class Sizes:
    """Bytes of a net as it is quantized, and in float32 without any quantizer."""

    packed: int
    plain: int

    @property
    def compression(self) -> float:
        """How many times smaller it is."""
        return self.plain / self.packed


def quantizes(settings: QuantizeSettings, role: Role) -> bool:
    """Whether the weights of such layers are quantized."""
    rules: Mapping[Role, str] = {"first": settings.first_layer, "shortcut": settings.shortcuts, "last": settings.last_layer}
    return settings.weights != FULL and rules.get(role, "quantize") == "quantize"


def sizes(settings: QuantizeSettings, counts: Counts, activations: int, plain: int) -> Sizes:
    """The size of a net of these layers with so many activation quantizers; `plain` are the bytes of all its parameters and
    buffers in float32."""
    chosen = [counts[role] for role in counts if quantizes(settings, role)]
    layers, weights = sum(c[0] for c in chosen), sum(c[1] for c in chosen)
    saved = FLOAT * weights - (-(-weights * settings.weights // 8) + FLOAT * layers) if weights else 0
    steps = FLOAT * activations if settings.activations != FULL else 0
    return Sizes(plain - saved + steps, plain)


def of_card(settings: QuantizeSettings, layers: Layers, parameters: int, channels: int, classes: int) -> Sizes:
    """The size of a net of the catalogue with so many parameters, for images of `channels` in so many classes."""
    first, last = layers.first * channels, layers.last * classes
    rest = layers.rest + layers.rest_per_class * classes
    inner = parameters - first - last - rest - layers.shortcuts
    counts: Counts = {
        "first": (1, first),
        "inner": (layers.inner_layers, inner),
        "shortcut": (layers.shortcut_layers, layers.shortcuts),
        "last": (1, last),
    }
    normalization = 2 * FLOAT * channels
    return sizes(settings, counts, layers.activations, FLOAT * parameters + layers.buffers + normalization)
