"""Failure signatures of class-level soft labels made from an autoencoder's embeddings, under a method's own names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.events import Severity
from engine.findings import Check, Evidence, Found, latest
from engine.method import chosen
from engine.soft_labels.evidence import CHOSEN_ENTROPY

UPDATES = 500
"""A short epoch is not blamed: an autoencoder is judged after as many updates, or at its end."""


@dataclass(frozen=True)
class Reading:
    """The evidence and the settings of one method."""

    key: str
    seen: Evidence
    settings: Mapping[str, Any]

    @property
    def params(self) -> Any:
        """The method's settings."""
        return chosen(self.key, self.settings["methods"][self.key])

    def latest(self, *names: str) -> dict[str, float] | None:
        """The newest values under the method's own names; None where one was never measured."""
        found = {name: latest(self.seen, f"{self.key}.{name}") for name in names}
        return None if None in found.values() else {k: v for k, v in found.items() if v is not None}

    def epoch(self, name: str) -> int:
        """The epoch of the newest value."""
        return self.seen[f"{self.key}.{name}"][-1][0]

    def fix(self, **settings: Any) -> dict[str, Any]:
        """Settings of the method by their dotted paths."""
        return {f"methods.{self.key}.{name}": value for name, value in settings.items()}


def _learned_nothing(r: Reading) -> Found | None:
    values = r.latest("explained", "updates")
    if values is None or values["explained"] >= 0.2:
        return None
    epoch, p = r.epoch("explained"), r.params
    if epoch <= 2 or (values["updates"] < UPDATES and epoch < p.epochs):
        return None
    robust = p.optimizer == "adam" and p.learning_rate == "auto"
    return Found(
        f"The autoencoder has learned nothing so far: after epoch {epoch} it explains {100 * values['explained']:.1f} % of "
        "what it could, little more than a constant picture would. Such soft labels carry no meaning.",
        values,
        r.fix(epochs=4 * p.epochs) if robust else r.fix(optimizer="adam", learning_rate="auto", weight_decay=0.0),
    )


def _no_better(r: Reading) -> Found | None:
    values, p = r.latest("neighbours", "neighbours_untrained"), r.params
    if values is None or p.control == "untrained" or values["neighbours"] - values["neighbours_untrained"] >= 1.0:
        return None
    return Found(
        "Training the autoencoder has not made its embeddings know the classes better: 10 neighbours are right "
        f"for {values['neighbours']:.1f} % of the images, an untrained encoder's for {values['neighbours_untrained']:.1f} %.",
        values,
        r.fix(output="linear") if p.output == "sigmoid" else r.fix(epochs=4 * p.epochs),
    )


def _gamma_too_small(r: Reading) -> Found | None:
    values = r.latest("rows_wrong", "gamma", "gamma_min")
    if values is None or not values["rows_wrong"]:
        return None
    return Found(
        f"With γ = {values['gamma']:g} another class comes first in the soft labels of {values['rows_wrong']:.0f} classes; "
        f"above {values['gamma_min']:.4f} none does.",
        values,
        r.fix(gamma="auto"),
    )


def _nearly_uniform(r: Reading) -> Found | None:
    values = r.latest("entropy", "label_temperature_offered")
    if values is None or values["entropy"] <= 0.99:
        return None
    return _softened(r, values, f"The soft labels are nearly uniform: {100 * values['entropy']:.3f} % of the largest entropy")


def _nearly_one_hot(r: Reading) -> Found | None:
    values = r.latest("entropy", "label_temperature_offered")
    if values is None or values["entropy"] >= 0.05:
        return None
    much = f"{100 * values['entropy']:.2f} % of the largest entropy"
    return _softened(r, values, f"The soft labels are nearly one-hot: {much}; they say what the labels say")


def _softened(r: Reading, values: dict[str, float], sentence: str) -> Found:
    """A finding whose fix is the label temperature of the entropy that is chosen."""
    offered = f"{values['label_temperature_offered']:.2g}"
    gives = f"A label temperature of {offered} gives {100 * CHOSEN_ENTROPY:.0f} %."
    return Found(f"{sentence}. {gives}", values, r.fix(label_temperature=float(offered)))


def _only_smoothing(r: Reading) -> Found | None:
    values = r.latest("kl_to_smoothing")
    if values is None or values["kl_to_smoothing"] >= 1e-3 or r.params.control == "label smoothing":
        return None
    return Found(
        f"The soft labels are label smoothing but for {values['kl_to_smoothing']:.1e} nats. Compare with matched label "
        "smoothing before crediting the similarity of the classes.",
        values,
        r.fix(control="label smoothing"),
    )


def of(key: str) -> tuple[Check, ...]:
    """The checks of the method `key`, which measures under these names and has ReffAKD's settings."""

    def check(
        name: str,
        title: str,
        criterion: str,
        reads: str,
        look: Callable[[Reading], Found | None],
        severity: Severity = "warning",
    ) -> Check:
        def asked(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
            return look(Reading(key, seen, settings))

        return Check(f"{key}.{name}", title, criterion, (f"{key}.{reads}",), asked, severity)

    return (
        check("learned-nothing", "Autoencoder learned nothing",
              f"explained = (V - MSE)/(V - floor) < 0.2 after epoch 2 and {UPDATES} updates, or at its end", "explained",
              _learned_nothing),
        check("no-better", "Autoencoder no better than untrained",
              "10-nearest-neighbour accuracy gains under 1 point over an untrained encoder", "neighbours", _no_better),
        check("gamma-too-small", "γ too small", "a row of A + γI whose largest entry is not its class", "rows_wrong",
              _gamma_too_small),
        check("nearly-uniform", "Soft labels nearly uniform", "mean H/ln C > 0.99", "entropy", _nearly_uniform),
        check("nearly-one-hot", "Soft labels nearly one-hot", "mean H/ln C < 0.05", "entropy", _nearly_one_hot),
        check("only-smoothing", "Only label smoothing", "mean KL(Q ‖ smoothing of equal diagonal) < 1e-3 nats",
              "kl_to_smoothing", _only_smoothing, "info"),
    )  # fmt: skip
