"""How a student is quantized: the section `student.quantize` of an experiment. Loads no torch."""

from __future__ import annotations

from typing import Literal

from engine.knobs import Knobs, knob

FULL = 32
"""Bits of what is left as it is."""

FEW = (1, 2, 4, 8)
"""Bits a quantizer may have."""

_FAQD = "FAQD's released code"


class QuantizeSettings(Knobs):
    """Bits of weights and activations, which layers they hold for, and how what is rounded is trained."""

    weights: Literal[1, 2, 4, 8, 32] = knob(
        FULL, "1 bit is a sign, 2 are ternary, 4 are 15 levels, 8 are 255, 32 is the weight as it is.", title="bits of weights"
    )
    activations: Literal[1, 2, 4, 8, 32] = knob(
        FULL, "What ReLU puts out has 2 to this power levels, 0 among them; 32 is as it is.", title="bits of activations"
    )
    first_layer: Literal["quantize", "keep"] = knob(
        "quantize", "Weights of the layer that reads the images.", when={"weights": FEW}, source=f"quantized ({_FAQD})"
    )
    last_layer: Literal["quantize", "keep"] = knob(
        "keep", "Weights of the classifier.", when={"weights": FEW}, source=f"kept ({_FAQD})"
    )
    shortcuts: Literal["quantize", "keep"] = knob(
        "keep", "Weights of the convolutions in shortcuts.", when={"weights": FEW}, source=f"kept ({_FAQD})"
    )
    ternary_scale: Literal["kept", "all"] = knob(
        "kept", "What the scale of ternary weights is a mean over: the weights that are not 0, or all, which shrinks it.",
        when={"weights": (2,)}, level="advanced", source="kept: ternary weight networks, arXiv 1605.04711; all: " + _FAQD,
    )  # fmt: skip
    steps: Literal["learned", "fixed"] = knob(
        "learned", "Whether the step between the levels of activations is trained.", when={"activations": FEW},
        title="steps of activations", source=f"learned ({_FAQD}, CIFAR)",
    )  # fmt: skip
    step_start: Literal["calibrated", "largest", "optimal", "released"] = knob(
        "calibrated",
        "Where steps begin. calibrated: at the least squared error on some training images; largest: so that the largest value "
        "of these is the last level; optimal: at the least error for normalized inputs; released: as in FAQD's code.",
        when={"activations": FEW},
        title="first step",
    )
    step_gradient: Literal["mean", "exact", "pact", "min"] = knob(
        "mean",
        "What counts as the derivative by the step: the highest level where clipped; else the level (exact), half of 2 to the "
        "bits (mean), 1 (min) or 0 (pact).",
        when={"activations": FEW, "steps": ("learned",)}, level="advanced", source=f"mean ({_FAQD})",
    )  # fmt: skip
    step_rate: float = knob(
        0.01, "Factor of the step's gradient, which is then kept within -1 and 1.", above=0.0, high=1.0, scale="log",
        when={"activations": FEW, "steps": ("learned",)}, level="advanced", source=f"0.01 ({_FAQD})",
    )  # fmt: skip
    input_gradient: Literal["clipped", "relu", "identity"] = knob(
        "clipped", "Which inputs of an activation quantizer pass the gradient on: positive and not clipped, positive, all.",
        when={"activations": FEW}, level="advanced", source=f"clipped ({_FAQD})",
    )  # fmt: skip
    blend: Literal["none", "binaryrelax"] = knob(
        "none", "binaryrelax: weights begin as a mean of the float and the quantized ones and harden epoch by epoch.",
        when={"weights": FEW}, level="advanced", source="Yin et al. 2018, arXiv 1801.06313",
    )  # fmt: skip
    blend_start: float = knob(
        1.0, "Share of the quantized weights to that of the float ones in the first epoch.", above=0.0, high=1e6,
        when={"blend": ("binaryrelax",)}, level="advanced",
    )  # fmt: skip
    blend_growth: float = knob(
        1.05, "Factor by which that share grows each epoch.", low=1.0, high=10.0, when={"blend": ("binaryrelax",)},
        level="advanced", source=f"1.05, unused there ({_FAQD})",
    )  # fmt: skip
    blend_until: float = knob(
        0.75, "Share of the epochs after which weights are quantized wholly.", low=0.0, high=1.0,
        when={"blend": ("binaryrelax",)}, level="advanced",
    )  # fmt: skip

    @property
    def wanted(self) -> bool:
        """Whether anything is quantized at all."""
        return self.weights != FULL or self.activations != FULL

    def words(self) -> str:
        """`4-bit weights, 2-bit activations`, or nothing where nothing is quantized."""
        named = (("weights", self.weights), ("activations", self.activations))
        return ", ".join(f"{bits}-bit {what}" for what, bits in named if bits != FULL)
