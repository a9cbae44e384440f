"""Failure signatures of affinity distillation: rough or needless estimates, and logarithms that run away."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from engine.findings import Check, Evidence, Found, latest
from engine.knobs import problem, specs
from engine.method import chosen, find

AGAIN = 5
"""Evaluations in a row before an estimate is called rough."""
FAR = 0.25
BLOWN = 20.0
"""Nats: e^-20 is 2e-9."""


def _rough(key: str, seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    values = [v for _, v in seen.get(f"{key}.estimate_error", [])[-AGAIN:]]
    if len(values) < AGAIN or min(values) <= FAR:
        return None
    p: Any = chosen(key, settings["methods"][key])
    return Found(
        f"{p.projections} projections estimate the affinity loss poorly: {100 * values[-1]:.0f} % away from what they "
        f"estimate, and more than {100 * FAR:.0f} % in {AGAIN} evaluations in a row.",
        {"estimate_error": values[-1], "projections": p.projections},
        _better(key, p),
    )


def _better(key: str, params: Any) -> dict[str, Any]:
    """The exact loss; for the absolute form, whose exact loss is another one, four times the projections and half the error."""
    if params.definition == "squared":
        return {f"methods.{key}.affinity": "exact"}
    more = 4 * params.projections
    spec = next(s for s in specs(find(key).Params) if s.name == "projections")
    return {f"methods.{key}.projections": more} if problem(spec, more) is None else {}


def _needless(key: str, seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    cost = latest(seen, f"{key}.estimate_cost")
    if cost is None or cost < 1:
        return None
    p: Any = chosen(key, settings["methods"][key])
    return Found(
        f"At the narrowest stage {p.projections} projections take {cost:.1f} times the multiplications of the exact loss, and "
        "only estimate it.",
        {"estimate_cost": cost, "projections": p.projections},
        {f"methods.{key}.affinity": "exact"},
    )


def _blown(key: str, seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    value = latest(seen, f"{key}.surprise")
    if value is None or value <= BLOWN:
        return None
    return Found(
        f"The student rules out what its teacher believes in: -ln p is {value:.0f} nats for a class that the teacher gives "
        "more than .01, and KL grows with it. The mean squared error of logits has no logarithm.",
        {"surprise": value},
        {f"methods.{key}.logit_loss": "mse"},
    )


def of(key: str) -> tuple[Check, ...]:
    """The checks of a method that measures `estimate_error`, `estimate_cost` and `surprise`, and has settings `affinity`,
    `definition`, `projections` and `logit_loss`."""
    return (
        Check(f"{key}.estimate-rough", "Estimate rough", f"|FFA - FA| / FA > {FAR} in {AGAIN} evaluations in a row",
              (f"{key}.estimate_error",), partial(_rough, key)),
        Check(f"{key}.estimate-needless", "Estimate dearer than exact", "k ≥ ¾ C at a stage (equal channels)",
              (f"{key}.estimate_cost",), partial(_needless, key), "info"),
        Check(f"{key}.kl-blows-up", "KL blows up", f"-ln p_S > {BLOWN:g} where p_T > .01", (f"{key}.surprise",),
              partial(_blown, key)),
    )  # fmt: skip
