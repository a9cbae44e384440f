"""Failure signatures of quantizers: levels nobody uses, activations cut off, weights that go back and forth. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.findings import Check, Evidence, Found
from engine.quantize.declared import NAME, WINDOW
from engine.quantize.settings import QuantizeSettings

CLIPPED, FLIPPING = 0.1, 0.05
MOST = 0.5
"""Of the levels of 4 and 8 bits: outer ones are rare by themselves, half of them is a bit that is wasted."""
AGAIN = 5
"""Evaluations in a row before a share is believed: steps that are learned need some epochs to settle."""
SETTLED = 0.7
"""Share of the epochs after which weights should stay where they are; the first window, that of the first steps, is never
judged, however short the training."""
LEVELS_APART = (1, 2, 4)
"""Bits whose levels lie so far apart that a weight does not cross several at a step."""
SLOWER = 0.3


def _settings(settings: Mapping[str, Any]) -> QuantizeSettings:
    return QuantizeSettings(**settings["student"]["quantize"])


def _other_start(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Steps that begin, or go, where the activations are."""
    own = _settings(settings)
    if own.step_start != "calibrated":
        return {"student.quantize.step_start": "calibrated"}
    if own.steps == "fixed":
        return {"student.quantize.steps": "learned"}
    faster = min(1.0, 10 * own.step_rate)
    return {"student.quantize.step_rate": faster} if faster > own.step_rate else {}


def _slower(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"training.learning_rate": float(f"{SLOWER * settings['training']['learning_rate']:.3g}")}


def _recent(seen: Evidence, name: str) -> list[float]:
    """The last values of a scalar, if there are enough of them to be believed."""
    values = [value for _, value in seen.get(name, [])[-AGAIN:]]
    return values if len(values) == AGAIN else []


def _wasted(seen: Evidence, name: str, bits: int) -> float | None:
    """The share of rare levels where it is one too many."""
    values = _recent(seen, name)
    return values[-1] if values and min(values) >= (MOST if bits in (4, 8) else 1e-9) else None


def _rare_activations(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    name = f"{NAME}.rare_activation_levels"
    share = _wasted(seen, name, _settings(settings).activations)
    if share is None:
        return None
    sentence = f"An activation quantizer leaves {100 * share:.0f} % of its levels all but unused."
    return Found(sentence, {name: share}, _other_start(settings))


def _clipped(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    name = f"{NAME}.most_clipped"
    values = _recent(seen, name)
    if not values or min(values) <= CLIPPED or _settings(settings).activations == 1:
        return None
    return Found(
        f"An activation quantizer cuts off {100 * values[-1]:.1f} % of its values at the last level.",
        {name: values[-1]}, _other_start(settings),
    )  # fmt: skip


def _rare_weights(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    name = f"{NAME}.rare_weight_levels"
    share = _wasted(seen, name, _settings(settings).weights)
    if share is None:
        return None
    sentence = f"A layer leaves {100 * share:.0f} % of the levels of its weights all but unused."
    return Found(sentence, {name: share}, _slower(settings))


def _flipping(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    name = f"{NAME}.flips"
    counted = seen.get(name, [])
    if len(counted) < 2 or _settings(settings).weights not in LEVELS_APART:
        return None
    epoch, value = counted[-1]
    if value <= FLIPPING or epoch <= SETTLED * settings["training"]["epochs"]:
        return None
    return Found(
        f"Late in the training {100 * value:.1f} % of the weights still go back and forth: they change their level twice or "
        f"more within {WINDOW} steps.",
        {name: value},
        _slower(settings),
    )


def _check(key: str, criterion: str, reads: str, look: Callable[[Evidence, Mapping[str, Any]], Found | None]) -> Check:
    return Check(f"quantizer:{key}", "Quantizer", criterion, (f"{NAME}.{reads}",), look)


_AGAIN = f"in {AGAIN} evaluations in a row"
_GROUPS = "of 4 and 8 bits half of the levels, or of groups of levels"

CHECKS: tuple[Check, ...] = (
    _check(
        "activations", f"a level used by under 0.1 % of a quantizer's activations {_AGAIN}; {_GROUPS}",
        "rare_activation_levels", _rare_activations,
    ),
    _check(
        "clipped", f"over 10 % of a quantizer's activations clipped {_AGAIN}; not of 1 bit, which has one level above 0",
        "most_clipped", _clipped,
    ),
    _check(
        "weights", f"a level used by under 0.1 % of a layer's weights {_AGAIN}; {_GROUPS}", "rare_weight_levels", _rare_weights
    ),
    _check(
        "flips", f"over 5 % of the weights of 1, 2 or 4 bits change their level twice within {WINDOW} steps, after 70 % "
        "of the epochs",
        "flips", _flipping,
    ),
)  # fmt: skip
"""The checks of a quantized run, whatever its methods; none of their scalars is measured in others."""
