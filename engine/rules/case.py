"""An experiment beside the catalogue, and what several rules ask of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.cards import Catalogue, MethodCard, NetCard, Term
from engine.experiment import Experiment
from engine.knobs import holds
from engine.presets import method_settings


@dataclass(frozen=True)
class Case:
    """An experiment beside the catalogue, and what several rules ask of both."""

    experiment: Experiment
    catalogue: Catalogue
    home: Path | None = None

    @cached_property
    def methods(self) -> dict[str, MethodCard]:
        """The cards of the stack's methods, in order."""
        return {key: self.catalogue.methods[key] for key in self.experiment.methods}

    @cached_property
    def settings(self) -> dict[str, dict[str, Any]]:
        """Every setting of every method of the stack."""
        return {key: method_settings(self.experiment, key, catalogue=self.catalogue) for key in self.methods}

    @cached_property
    def offering(self) -> list[str]:
        """The methods that give logits to the others, under their present settings."""
        return [k for k, card in self.methods.items() if card.offers is not None and holds(card.offers, self.settings[k])]

    @cached_property
    def classifying(self) -> list[str]:
        """The methods that put a classifier of their own into the student, under their present settings."""
        return [
            key for key, card in self.methods.items()
            if card.classifier is not None and holds(card.classifier.when, self.settings[key])
        ]  # fmt: skip

    @cached_property
    def taking(self) -> list[str]:
        """The methods that want a teacher's logits."""
        return [k for k, card in self.methods.items() if card.needs.teacher == "logits"]

    @property
    def has_teacher(self) -> bool:
        """Whether there is a teacher net."""
        return self.experiment.teacher.net != "none"

    @cached_property
    def nets(self) -> dict[str, NetCard]:
        """The cards of the nets, by the setting that names them."""
        named = {"student.net": self.experiment.student.net, "teacher.net": self.experiment.teacher.net}
        return {path: self.catalogue.nets[key] for path, key in named.items() if key != "none"}

    @cached_property
    def side(self) -> int:
        """The side to which the images come: the one asked for or their own, or the next that the nets take; 0 where only
        the data tells."""
        size = self.experiment.dataset.size
        wanted = size if isinstance(size, int) else self.catalogue.datasets[self.experiment.dataset.name].size
        return max(net.exact or max(wanted, net.smallest) for net in self.nets.values()) if wanted else 0

    @cached_property
    def shapes(self) -> dict[str, Mapping[str, tuple[int, ...]]]:
        """The shapes of each net's taps on these images, by the setting that names the net; on the images on which nets are
        compared where nobody looked at both of them on these."""
        here = {path: net.shapes_on(self.side) for path, net in self.nets.items()}
        known = {path: shapes for path, shapes in here.items() if shapes}
        return known if len(known) == len(here) else {path: net.taps for path, net in self.nets.items()}

    def terms(self) -> Iterator[tuple[str, Term]]:
        """The active terms of the stack, each with its method."""
        for key, card in self.methods.items():
            yield from ((key, term) for term in card.terms if holds(term.when, self.settings[key]))

    def weight(self, key: str, term: Term) -> float:
        """The full weight of a term."""
        return float(self.settings[key][term.weight] if isinstance(term.weight, str) else term.weight)

    def titles(self, keys: list[str]) -> str:
        """The titles of several methods in a row."""
        return " and ".join(self.methods[key].title for key in keys)

    @cached_property
    def ce_weight(self) -> float:
        """Weight of the cross-entropy with the labels: what the first method of the stack that sets it says, else what the
        first method proposes; 1 without methods, 0 without labels."""
        if not self.experiment.dataset.labels:
            return 0.0
        said = [s["ce_weight"] for s in self.experiment.methods.values() if s.get("ce_weight") is not None]
        return float(said[0]) if said else next((card.ce_weight for card in self.methods.values()), 1.0)
