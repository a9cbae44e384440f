"""Failure signatures that any run can show, whatever its methods. Methods declare their own beside these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from engine import fit, method
from engine.findings import Check, Evidence, Found, latest
from engine.knobs import problem, specs

AGAIN = 3
"""Measurements in a row, or at least, before a share or a cosine is believed."""
WANTED_SHARE = 0.2
USUAL_TEMPERATURE = 4.0
SMOOTHED = "label smoothing"
"""The control beside which soft labels that are little more are to be laid."""


def _chosen(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every method of the stack with all of its settings."""
    return {key: dict(method.chosen(key, given)) for key, given in settings["methods"].items()}


def _teaches_a_net(settings: Mapping[str, Any]) -> bool:
    return bool(settings["teacher"]["net"] != "none")


def _tempered(settings: Mapping[str, Any], wanted: Callable[[float], float]) -> dict[str, Any]:
    """What `wanted` makes of the temperature of every method of the stack that wants a teacher's logits and has one; a
    method whose bounds forbid it is left out."""
    offered = {}
    for key, values in _chosen(settings).items():
        spec = next((s for s in specs(method.find(key).Params) if s.name == "temperature"), None)
        if spec is None or method.find(key).needs.teacher != "logits":
            continue
        temperature = float(f"{wanted(values['temperature']):.3g}")
        if problem(spec, temperature) is None:
            offered[f"methods.{key}.temperature"] = temperature
    return offered


def _lower(temperature: float) -> float:
    return min(USUAL_TEMPERATURE, temperature / 2)


def _higher(temperature: float) -> float:
    return max(USUAL_TEMPERATURE, 2 * temperature)


def _nearly_uniform(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    share = latest(seen, "entropy_teacher")
    if share is None or share <= 0.99 or not _teaches_a_net(settings):
        return None
    return Found(
        f"The teacher's soft labels are nearly uniform: {100 * share:.2f} % of the largest entropy; a lower temperature shows "
        "more of what it knows.",
        {"entropy_teacher": share},
        _tempered(settings, _lower),
    )


def _nearly_one_hot(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    share = latest(seen, "entropy_teacher")
    if share is None or share >= 0.05 or not _teaches_a_net(settings):
        return None
    return Found(
        f"The teacher's soft labels are nearly one-hot: {100 * share:.2f} % of the largest entropy; they say what the labels "
        "say. A higher temperature shows how it ranks the other classes.",
        {"entropy_teacher": share},
        _tempered(settings, _higher),
    )


def _only_smoothing(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    beyond, share = latest(seen, "smoothing_teacher"), latest(seen, "entropy_teacher")
    if beyond is None or share is None or beyond >= 1e-3 or share < 0.05 or not _teaches_a_net(settings):
        return None
    return Found(
        f"Class by class the teacher's soft labels are label smoothing but for {beyond:.1e} nats. Compare with plain label "
        "smoothing before crediting the teacher.",
        {"smoothing_teacher": beyond, "entropy_teacher": share},
        {f"methods.{key}.control": SMOOTHED for key, values in _chosen(settings).items() if SMOOTHED in _controls(key, values)},
    )


def _controls(key: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of a method's control, as far as it has one and is none already."""
    spec = next((s for s in specs(method.find(key).Params) if s.name == "control"), None)
    return () if spec is None or values["control"] != "none" else tuple(spec.controls)


def _recent(seen: Evidence, name: str) -> list[float]:
    """The last measurements in a row; fewer than `AGAIN` say nothing yet."""
    values = [v for _, v in seen.get(name, [])[-AGAIN:]]
    return values if len(values) == AGAIN else []


def _weight(name: str, settings: Mapping[str, Any]) -> tuple[str, float] | None:
    """Where the weight of a term (`kd.kl`, `labels`) is set and what it is now; None where it is no setting."""
    if name == "labels":
        return _label_weight(settings)
    key, _, own = name.partition(".")
    values = _chosen(settings).get(key)
    term = next(t for t in method.find(key).terms if t.name == own)
    if values is None or not isinstance(term.weight, str):
        return None
    return f"methods.{key}.{term.weight}", float(values[term.weight])


def _label_weight(settings: Mapping[str, Any]) -> tuple[str, float] | None:
    given = [(key, values["ce_weight"]) for key, values in settings["methods"].items() if values.get("ce_weight") is not None]
    if not settings["methods"]:
        return None
    first = next(iter(settings["methods"]))
    key, weight = given[0] if given else (first, method.find(first).ce_weight)
    return f"methods.{key}.ce_weight", float(weight)


def _reweighted(name: str, share: float, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The weight at which a term's share would be `WANTED_SHARE`, the others' gradients staying what they are."""
    found = _weight(name, settings)
    if found is None or not 0 < share < 1:
        return {}
    path, weight = found
    factor = WANTED_SHARE / (1 - WANTED_SHARE) * (1 - share) / share
    return {path: float(f"{weight * factor:.3g}")}


def _share_checks(name: str) -> tuple[Check, Check]:
    reads = f"share/{name}"

    def strong(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
        values = _recent(seen, reads)
        if not values or min(values) <= 0.9:
            return None
        return Found(
            f"{name} drowns out everything else: {100 * values[-1]:.1f} % of the gradient at the student's first layer.",
            {reads: values[-1]},
            _reweighted(name, values[-1], settings),
        )

    def idle(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
        values = _recent(seen, reads)
        if not values or max(values) >= 0.02:
            return None
        return Found(
            f"{name} does next to nothing: {100 * values[-1]:.2f} % of the gradient at the student's first layer.",
            {reads: values[-1]},
            _reweighted(name, values[-1], settings),
        )

    return (
        Check(f"too-strong:{name}", "Term too strong", f"share > 0.9 in {AGAIN} checks in a row", (reads,), strong),
        Check(f"idle:{name}", "Term idle", f"share < 0.02 in {AGAIN} checks in a row", (reads,), idle),
    )


def _fight_check(name: str) -> Check:
    reads = f"cosine/{name}"

    def fight(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
        values = seen.get(reads, [])
        if len(values) < AGAIN:
            return None
        within = [v for epoch, v in values if epoch == values[-1][0]]
        whole = len(within) >= AGAIN
        middle = median(within if whole else [v for _, v in values[-AGAIN:]])
        if middle >= -0.2:
            return None
        found = _weight(name, settings)
        return Found(
            f"{name} pulls against the rest of the loss: the median cosine of their gradients is {middle:.2f} "
            f"{'in the last epoch' if whole else f'in the last {AGAIN} checks'}.",
            {reads: middle},
            {} if found is None else {found[0]: found[1] / 2},
        )

    criterion = f"median cosine < -0.2 in the last epoch, or in the last {AGAIN} checks where that epoch has had fewer"
    return Check(f"fight:{name}", "Terms fight", criterion, (reads,), fight)


def _nonfinite_check(name: str) -> Check:
    reads = f"nonfinite/{name}"

    def broken(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
        steps = sum(v for _, v in seen.get(reads, []))
        if not steps:
            return None
        precise = settings["run"]["precision"] == "float32"
        rate = float(f"{0.1 * settings['training']['learning_rate']:.3g}")
        return Found(
            f"{name} was not a finite number in {steps:.0f} {'step' if steps == 1 else 'steps'}; those updates were left out.",
            {reads: steps},
            {"training.learning_rate": rate} if precise else {"run.precision": "float32"},
        )

    return Check(f"nonfinite:{name}", "Non-finite", "a term is infinite or not a number", (reads,), broken, "error")


def _underfits(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    return fit.underfits(seen, _reweighted("labels", latest(seen, fit.SHARE) or 0.0, settings))


def every(terms: tuple[str, ...], own: tuple[str, ...] = ()) -> tuple[Check, ...]:
    """The general checks for terms by their full names (`kd.kl`), and for `own` ones, which never reach the student."""
    weighed = ("labels", *terms)
    return (
        Check("nearly-uniform", "Soft labels nearly uniform", "mean H/ln C > 0.99", ("entropy_teacher",), _nearly_uniform),
        Check("nearly-one-hot", "Soft labels nearly one-hot", "mean H/ln C < 0.05", ("entropy_teacher",), _nearly_one_hot),
        Check("only-smoothing", "Only label smoothing", "mean KL(class-mean soft labels ‖ smoothing of equal diagonal) < 1e-3 "
              "nats", ("smoothing_teacher",), _only_smoothing, "info"),
        Check("underfits", "Underfits", f"train accuracy {fit.UNDER:g} points under labels alone at that epoch and label share "
              f"< {fit.SMALL:g}", (fit.ALONE,), _underfits),
        fit.OVERFITS,
        *(check for name in weighed for check in _share_checks(name)),
        *(_fight_check(name) for name in terms),  # not for the labels: what fights with them is named already
        *(_nonfinite_check(name) for name in ("loss", "ce", *terms, *own)),
    )  # fmt: skip


def of_own(methods: Mapping[str, method.Method]) -> tuple[Check, ...]:
    """The general checks for the terms of those methods of a run that are the user's own."""
    shipped = tuple(method.keys())
    terms = [(f"{key}.{t.name}", t.own) for key, each in methods.items() if key not in shipped for t in each.terms]
    reaching = [name for name, own in terms if not own]
    return (
        *(check for name in reaching for check in (*_share_checks(name), _fight_check(name))),
        *(_nonfinite_check(name) for name, _ in terms),
    )


_TERMS = [(f"{key}.{term.name}", term) for key in tuple(method.keys()) for term in method.find(key).terms]
ALL = every(*(tuple(name for name, term in _TERMS if term.own == own) for own in (False, True)))
"""The general checks over every term of every method there is; one whose scalar is never measured is never asked."""
