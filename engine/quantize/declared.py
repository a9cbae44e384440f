"""What a quantized run shows: the watches of its quantizers. They belong to the session, whatever its methods. No torch."""

from __future__ import annotations

from engine.cards import Watch
from engine.knobs import holds
from engine.quantize.settings import FEW, QuantizeSettings

NAME = "quantization"
"""What the full names of these watches begin with."""

WINDOW = 100
"""Steps over which changes of levels are counted."""

_WEIGHTS, _ACTIVATIONS = {"weights": FEW}, {"activations": FEW}

WATCHES: tuple[Watch, ...] = (
    Watch("weights", "matrix", "Where the float weights of each layer lie, in units of its scale: the levels are the columns "
          "with whole numbers.", title="float weights and their levels", when=_WEIGHTS),
    Watch("levels", "matrix", "Share of each layer's weights on each level; of 8 bits in groups of levels.",
          title="levels of weights", when=_WEIGHTS),
    Watch("activation_levels", "matrix", "Share of the activations of each quantizer on each level; of 8 bits in groups of "
          "levels.", title="levels of activations", when=_ACTIVATIONS),
    Watch("steps", "distribution", "The step between two levels of activations, of each quantizer.",
          title="steps of activations", when=_ACTIVATIONS),
    Watch("clipped", "distribution", "Share of the activations above the last level, of each quantizer.",
          title="clipped activations", when=_ACTIVATIONS),
    Watch("most_clipped", "curve", "Share of clipped activations of the quantizer that clips most.",
          title="most clipped activations", when=_ACTIVATIONS),
    Watch("rare_activation_levels", "curve", "Share of the levels that are used by under 0.1 % of a quantizer's activations, "
          "of the quantizer with most of them; of 8 bits in groups of levels.", title="rare levels of activations",
          when=_ACTIVATIONS),
    Watch("rare_weight_levels", "curve", "Share of the levels that are used by under 0.1 % of a layer's weights, of the layer "
          "with most of them; of 8 bits in groups of levels.", title="rare levels of weights", when=_WEIGHTS),
    Watch("flips", "curve", f"Share of the weights that changed their level at least twice within {WINDOW} steps, counted over "
          "a sample of every layer.", every="step", title="weights that flip", when=_WEIGHTS),
)  # fmt: skip


def watches(settings: QuantizeSettings) -> tuple[Watch, ...]:
    """The watches of a run with these settings; none where nothing is quantized."""
    return tuple(watch for watch in WATCHES if holds(watch.when, dict(settings)))
