"""How large the modules of `engine.denoising.modules` are, reckoned without torch, so that the Plan can show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NARROWER = 4
"""By how much the bottlenecks of the noise predictor are narrower than the latent; those of noise matching, twice as much."""
EMBEDDED = 1280
"""Times that have an embedding: more than are used, as in the published code."""


def width(channels: int, settings: Mapping[str, Any]) -> int:
    """Width of the latent in which both nets meet, from the channels of the teacher's map and DiffKD's settings."""
    if settings["compression"] == "none":
        return channels
    return max(channels // 2, 1) if settings["width"] == "auto" else int(settings["width"])


def denoises(settings: Mapping[str, Any]) -> bool:
    """Whether anything is denoised at all."""
    return bool(settings["control"] != "no denoising")


def of_features(student: int, teacher: int, settings: Mapping[str, Any]) -> int:
    """Parameters that only training has, for maps of so many channels under DiffKD's settings: projections, autoencoder,
    noise predictor and noise matching. Those for logits come on top."""
    c = width(teacher, settings)
    count = _conv(student, c) + _conv(c, c) + 2 * c
    if settings["compression"] == "linear":
        count += _conv(teacher, c) + 2 * c + _conv(c, teacher)
    if denoises(settings):
        count += EMBEDDED * c + 2 * _bottleneck(c, NARROWER) + _conv(c, c) + 2 * c
    if denoises(settings) and settings["noise_matching"]:
        count += _bottleneck(c, 2 * NARROWER) + 2 * c + 2
    return count


def _conv(channels: int, wide: int) -> int:
    return channels * wide + wide


def _bottleneck(channels: int, narrower: int) -> int:
    middle = max(channels // narrower, 1)
    return _conv(channels, middle) + 9 * middle**2 + middle + 4 * middle + _conv(middle, channels)
