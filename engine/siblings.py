"""Control runs of an experiment: the same seeds with one thing taken away, so that an effect can be told from luck.

Which there are follows from declarations: a setting names the values that make a control (`knob(..., controls=...)`), a term
the setting that is its weight; the rest holds for every experiment. A control that breaks a rule is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine import extras, presets, rules
from engine.cards import Catalogue, MethodCard, Term
from engine.experiment import CE_WEIGHT, Experiment
from engine.knobs import holds, problem
from engine.presets import Resolved
from engine.queue.entry import awaited

ORIGIN = "a control"
"""Who decided the values in which a control differs."""

FULL = 32
"""Bits of what is not quantized."""


@dataclass(frozen=True)
class Sibling:
    """A control: what it is called (`labels alone`) and its experiment, which has the seeds of the one it belongs to."""

    title: str
    resolved: Resolved


@dataclass(frozen=True)
class _Change:
    """A control as settings by dotted path; without `methods` it has none of the stack's."""

    title: str
    values: Mapping[str, Any]
    methods: bool = True


def siblings(resolved: Resolved, *, home: Path | None = None, catalogue: Catalogue | None = None) -> tuple[Sibling, ...]:
    """Every control that exists for an experiment and can run; runs it names are looked for under `home`."""
    known = catalogue or extras.catalogue()
    made = (_made(resolved, change) for change in _changes(resolved.experiment, known))
    own = _bare(resolved.experiment)
    return tuple(s for s in made if _bare(s.resolved.experiment) != own and not _refused(s, known, home))


def _changes(experiment: Experiment, catalogue: Catalogue) -> Iterator[_Change]:
    stack = {key: catalogue.methods[key] for key in experiment.methods if key in catalogue.methods}
    if experiment.methods or experiment.teacher.net != "none":
        yield _Change("labels alone", {"teacher.net": "none"}, methods=False)
    yield from _declared(experiment, stack, catalogue)
    if experiment.teacher.net != "none" and experiment.teacher.source != "scratch":
        yield _Change("untrained teacher", {"teacher.source": "scratch"})
    quantize = experiment.student.quantize
    if (quantize.weights, quantize.activations) != (FULL, FULL):
        yield _Change(
            "full-precision twin", {"student.quantize.weights": FULL, "student.quantize.activations": FULL}
        )  # fmt: skip
    yield from _without_a_term(experiment, stack, catalogue)


def _declared(experiment: Experiment, stack: Mapping[str, MethodCard], catalogue: Catalogue) -> Iterator[_Change]:
    """Controls that methods declare in their settings; those of one name are one control of the whole stack."""
    found: dict[str, dict[str, Any]] = {}
    for key, card in stack.items():
        values = presets.method_settings(experiment, key, catalogue=catalogue)
        for spec in card.settings:
            if holds(spec.when, values):
                for value, title in spec.controls.items():
                    found.setdefault(title, {})[f"methods.{key}.{spec.name}"] = value
    yield from (_Change(title, changed) for title, changed in found.items())


def _without_a_term(experiment: Experiment, stack: Mapping[str, MethodCard], catalogue: Catalogue) -> Iterator[_Change]:
    """Each term of the loss left out in turn, the labels' too; what has one term alone has none to leave out."""
    weighted = [(key, card, term) for key, card in stack.items() for term in _active(experiment, key, card, catalogue)]
    labels = rules.ce_weight(experiment, catalogue) > 0
    if len(weighted) + labels < 2:
        return
    if labels and stack:
        decides = next((k for k, s in experiment.methods.items() if s.get(CE_WEIGHT.name) is not None), next(iter(stack)))
        yield _Change("without the labels", {f"methods.{decides}.{CE_WEIGHT.name}": 0.0})
    if len(weighted) < 2:
        return  # without the only one it is the labels alone
    by_setting: dict[str, list[str]] = {}
    for key, card, term in weighted:
        by_setting.setdefault(f"methods.{key}.{term.weight}", []).append(f"{card.title}'s {term.title or term.name}")
    for path, names in by_setting.items():
        if _may_be_nothing(path, stack):
            yield _Change(f"without {' and '.join(names)}", {path: 0.0})


def _active(experiment: Experiment, key: str, card: MethodCard, catalogue: Catalogue) -> list[Term]:
    """The terms of a method that are in the loss and whose weight is a setting."""
    values = presets.method_settings(experiment, key, catalogue=catalogue)
    named = [term for term in card.terms if isinstance(term.weight, str) and holds(term.when, values)]
    return [term for term in named if values[str(term.weight)]]


def _may_be_nothing(path: str, stack: Mapping[str, MethodCard]) -> bool:
    _, key, name = path.split(".")
    return problem(next(s for s in stack[key].settings if s.name == name), 0.0) is None


def _bare(experiment: Experiment) -> Experiment:
    """What is compared: a control that differs in nothing but its title is none."""
    return experiment.model_copy(update={"title": "", "expected": None})


def _made(resolved: Resolved, change: _Change) -> Sibling:
    experiment = resolved.experiment.model_copy(deep=True)
    experiment.expected = None  # what was published is of another experiment
    if not change.methods:
        experiment.methods = {}
    for path, value in change.values.items():
        if path.startswith("methods."):
            _, key, name = path.split(".")
            experiment.methods[key] = {**experiment.methods[key], name: value}
        else:
            section, _, name = path.rpartition(".")
            setattr(_section(experiment, section), name, value)
    own = experiment.title or "this experiment"
    experiment.title = f"{change.title} · {own}"
    origins = {**resolved.origins, **dict.fromkeys(change.values, ORIGIN)}
    return Sibling(change.title, replace(resolved, experiment=experiment, origins=origins))


def _section(experiment: Experiment, section: str) -> Any:
    found: Any = experiment
    for name in section.split("."):
        found = getattr(found, name)
    return found


def _refused(sibling: Sibling, catalogue: Catalogue, home: Path | None) -> bool:
    """Whether a rule forbids it; a run that an entry of the queue is still to make is taken as made."""
    experiment = sibling.resolved.experiment
    expected = {f"{who}.run" for who in awaited(experiment)}
    return any(p.path not in expected for p in rules.problems(experiment, catalogue, home=home))
