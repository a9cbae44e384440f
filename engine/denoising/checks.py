"""Failure signatures of denoising a student's features, under a method's own names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from engine.denoising import diffusion
from engine.findings import Check, Evidence, Found, latest
from engine.method import chosen

GAPS = 5
"""Evaluations in a row before denoising is said to bring nothing."""
AGAIN = 3
"""Evaluations in a row before γ or the compression is judged: both are still on their way after the first epochs, and the
published γ itself passes .99 on its way to .9."""
SETTLED = 0.01
"""An autoencoder whose reconstruction still gains so much over these evaluations is learning, and is not judged."""
USUAL_GAMMA = 0.9
"""Near what γ settles at in the published runs."""


def _last(key: str, name: str, count: int, seen: Evidence) -> list[float]:
    """The last values in a row; none where there are fewer."""
    values = [v for _, v in seen.get(f"{key}.{name}", [])[-count:]]
    return values if len(values) == count else []


def _no_gap(key: str, seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    values = _last(key, "noise_gap", GAPS, seen)
    if not values or max(values) >= 0.02:
        return None
    return Found(
        "The denoised features are no nearer to the teacher's than the best linear map of the student's would be (gain "
        f"{100 * values[-1]:.1f} %): there is no noise left to take out, and a plain feature loss would do.",
        {"noise_gap": values[-1]},
        {f"methods.{key}.control": "no denoising"},
    )


def _collapsed(key: str, prefix: str, seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    means, spreads = (_last(key, f"{prefix}gamma_{name}", AGAIN, seen) for name in ("mean", "spread"))
    if not means or not spreads:
        return None
    high, low, alike = min(means) > 0.99, max(means) < 0.05, max(spreads) < 0.005
    if not (high or low or alike):
        return None
    what = "logits" if prefix else "features"
    happens = (
        f"keeps all of the student's {what}: nothing is noisy, so nothing is matched" if high
        else f"keeps none of the student's {what}: noise is all that is denoised" if low
        else f"is the same for every image's {what}: it does not adapt"
    )  # fmt: skip
    return Found(
        f"Noise matching has collapsed and {happens} (γ {means[-1]:.3f} ± {spreads[-1]:.4f}).",
        {"mean": means[-1], "spread": spreads[-1]},
        _other_start(key, high, settings),
    )


def _other_start(key: str, high: bool, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Another start value of γ: that of the schedule where all is kept, else the usual one; no matching where it was tried."""
    p: Any = chosen(key, settings["methods"][key])
    first = diffusion.times(p.evaluations, p.grid, None if p.start == "auto" else p.start)[0]
    offered = round(min(diffusion.matched_gamma(first), USUAL_GAMMA), 2) if high else USUAL_GAMMA
    if p.gamma_start == offered:
        return {f"methods.{key}.noise_matching": False}
    return {f"methods.{key}.gamma_start": offered}


def _loses(key: str, seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    values = _last(key, "explained", AGAIN, seen)
    width, channels = latest(seen, f"{key}.width"), latest(seen, f"{key}.channels")
    if not values or max(values) >= 0.9 or values[-1] - values[0] >= SETTLED or width is None or channels is None:
        return None
    linear = chosen(key, settings["methods"][key]).compression == "linear"  # type: ignore[attr-defined]
    wider = int(2 * width if linear else min(2 * width, channels))
    return Found(
        f"The compression of the teacher's map from {channels:.0f} to {width:.0f} channels loses information: only "
        f"{100 * values[-1]:.1f} % of its variance can be had back.",
        {"explained": values[-1], "width": width, "channels": channels},
        {f"methods.{key}.width": wider} if wider > width else {f"methods.{key}.compression": "none"},
    )


def of(key: str) -> tuple[Check, ...]:
    """The checks of a method that measures under `key`."""
    gammas = tuple((prefix, f"{key}.{prefix}gamma_mean", f"{key}.{prefix}gamma_spread") for prefix in ("", "logit_"))
    return (
        Check(f"{key}.no-gap", "Noise gap vanishes", "1 - MSE(denoised) / MSE(best linear map of the student's) < 0.02 in "
              f"{GAPS} evaluations in a row", (f"{key}.noise_gap",), partial(_no_gap, key)),
        *(Check(f"{key}.gamma-collapsed:{'logits' if prefix else 'features'}", "γ collapsed", "mean > 0.99 or < 0.05, or "
                f"deviation < 0.005, in {AGAIN} evaluations in a row", tuple(reads), partial(_collapsed, key, prefix))
          for prefix, *reads in gammas),
        Check(f"{key}.compression-loses", "Compression loses information", f"R² of the reconstruction < 0.9 in {AGAIN} "
              f"evaluations in a row, and risen by less than {SETTLED} over them",
              tuple(f"{key}.{n}" for n in ("explained", "width", "channels")), partial(_loses, key)),
    )  # fmt: skip
