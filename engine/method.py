"""The shape of a method: what it declares, what it is given, and the one function it must have.

One method is one file in `engine/methods/`, or in `methods/` of the user's plug-in folder, holding one subclass of `Method`.
Form, presets, plots, library card, README table and contract tests follow from its declarations.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

from torch import Tensor, nn

from engine import comparing, plugins
from engine.cards import Axis, Classifier, Features, MethodCard, Mix, Needs, Stage, Term, Watch
from engine.findings import Check
from engine.given import Facts, Lab, Part, Places, Seen, Side, View
from engine.knobs import Condition, Knobs, did_you_mean, holds, specs
from engine.pairing import Match
from engine.plugins import PluginError

__all__ = [
    "Axis", "Check", "Classifier", "Facts", "Features", "Knobs", "Lab", "Match", "Method", "Mix", "Needs", "Part", "Places",
    "Seen", "Side", "Stage", "Term", "View", "Watch", "card", "chosen", "find", "keys", "own_keys", "own_problems",
]  # fmt: skip


class Method(nn.Module):
    """A distillation method. Only its words and `losses` are required. `formula` is its loss as a person writes it: plain text,
    a line each, `x_t` and `x^{T}` for what stands low and high.

    The session asks in this order: `parts` (before its own are inserted), `build` (with those of the whole stack in place),
    then, once every method is built, `taps`, then `prepare`, and in every step `teach`, `answers`, `modify` and `losses`.
    Modules that `build` makes are trained with the student, unless they are frozen (`requires_grad_(False)`), and in train
    mode except while the student is evaluated and watched.
    Buffers of any size are kept in checkpoints, so a memory of every training image (`Seen.index`, `Facts.samples`) is one.
    """

    title: str
    summary: str
    formula: str = ""
    paper: str = ""
    ce_weight: float = 1.0
    terms: tuple[Term, ...] = ()
    watches: tuple[Watch, ...] = ()
    stages: tuple[Stage, ...] = ()
    mixes: tuple[Mix, ...] = ()
    checks: tuple[Check, ...] = ()
    needs: Needs = Needs()
    offers: Condition | None = None
    features: tuple[Features, ...] = ()
    modifies: bool = False
    classifier: Classifier | None = None

    class Params(Knobs):
        """No settings."""

    def __init__(self, params: Knobs) -> None:
        super().__init__()
        self.params = params

    def matches(self, student: Side, teacher: Side | None) -> tuple[Match, ...]:
        """What `features` declares, for these two nets and under the present settings; empty without a teacher net. Raises
        PairError where it cannot be had."""
        if teacher is None:
            return ()
        return comparing.matches(self.features, dict(self.params), student.shapes, teacher.shapes)

    def taps(self, student: Side, teacher: Side | None) -> tuple[Places, Places]:
        """Where to look, in the student and in the teacher: my name -> a tap. By default at every tap of `matches`, under
        its own name."""
        found = self.matches(student, teacher)
        return {m.student: m.student for m in found}, {m.teacher: m.teacher for m in found}

    def parts(self, student: Side, teacher: Side | None, facts: Facts) -> tuple[Part, ...]:
        """What this method puts into the student to stay; `student` has the parts of the methods before it."""
        return ()

    def build(self, student: Side, teacher: Side | None, facts: Facts) -> None:
        """Make modules and empty buffers, now that shapes are known."""

    def prepare(self, lab: Lab) -> None:
        """The stages before distilling, in their order."""

    def teach(self, seen: Seen) -> Tensor | None:
        """Logits (B, C) offered to the methods of the stack that want a teacher's."""
        return None

    def answers(self, seen: Seen) -> Tensor:
        """The student's logits (B, C) that this method compares; by default those of the net. What it gives are the student's
        logits in what `losses` and `watch` see, after the modifiers."""
        return seen.student.logits

    def modify(self, seen: Seen) -> Seen:
        """What a method that compares logits sees instead: `seen` with other logits of either side, or a temperature, made
        with `dataclasses.replace`. Asked of methods that declare `modifies`, in stack order, for each logits that a method
        of the stack compares; the taps are the modifier's own."""
        return seen

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """Every active term, unweighted."""
        raise NotImplementedError

    def watch(self, seen: Seen) -> dict[str, Tensor]:
        """Every active watch of the distilling stage, without gradient."""
        return {}

    def signals(self, seen: Seen) -> dict[str, Tensor]:
        """Features (B, d) of this method's making, by name, whose signal-to-noise over augmentations is measured beside the
        nets' at every evaluation, without gradient."""
        return {}

    def axis(self, watch: str) -> Axis | None:
        """What the entries of one of this method's distributions are where they are shares between numbers; None: they are
        places with `names`."""
        return None

    def names(self, watch: str) -> tuple[str, ...]:
        """What the places of one of this method's distributions or matrices are called; empty: they are numbered."""
        return ()

    def undecayed(self) -> tuple[nn.Parameter, ...]:
        """Those of this method's parameters that weight decay spares, whatever the training settings say."""
        return ()

    def temperature(self, seen: Seen) -> float | Tensor:
        """The temperature that counts: what a modifier of the stack set, else this method's own setting."""
        return float(self.params.temperature) if seen.temperature is None else seen.temperature  # type: ignore[attr-defined]

    def active_terms(self) -> tuple[Term, ...]:
        """The terms whose condition holds under the present settings."""
        return tuple(t for t in self.terms if holds(t.when, dict(self.params)))

    def active_watches(self) -> tuple[Watch, ...]:
        """The watches whose condition holds."""
        return tuple(w for w in self.watches if holds(w.when, dict(self.params)))

    def active_stages(self) -> tuple[Stage, ...]:
        """The stages whose condition holds."""
        return tuple(s for s in self.stages if holds(s.when, dict(self.params)))

    def teaches(self) -> bool:
        """Whether this method offers logits under the present settings."""
        return self.offers is not None and holds(self.offers, dict(self.params))

    def weight(self, term: Term, epoch: int) -> float:
        """The weight of a term at an epoch counted from 1: linear growth over `warmup` epochs, then constant."""
        return self.full_weight(term) * self.grown(term, epoch)

    def full_weight(self, term: Term) -> float:
        """The weight of a term after its warm-up."""
        return float(getattr(self.params, term.weight) if isinstance(term.weight, str) else term.weight)

    def grown(self, term: Term, epoch: int) -> float:
        """The share of its weight that a term has at an epoch counted from 1."""
        warmup = int(getattr(self.params, term.warmup) if isinstance(term.warmup, str) else term.warmup)
        return min(epoch / warmup, 1.0) if warmup else 1.0


@cache
def keys() -> tuple[str, ...]:
    """kdstudio's own methods, in the order of their file names."""
    import engine.methods as package

    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__)))


def own_keys() -> tuple[str, ...]:
    """The methods in the user's plug-in folder."""
    return tuple(_own().kinds)


def own_problems() -> tuple[str, ...]:
    """Why files in the plug-in folder cannot be used, each by file and line."""
    return tuple(_own().problems)


def _own() -> Any:
    from engine import own_methods

    return own_methods.found(keys())


def find(key: str) -> type[Method]:
    """The method of a file in `engine/methods/`, or of one in the plug-in folder as it stands now. Raises PluginError where
    there is none."""
    if key in keys():
        return _shipped(key)
    own = _own()
    if key not in own.kinds:
        words = did_you_mean(key, (*keys(), *own.kinds)) or f"; those you write yourself lie in {plugins.folder() / 'methods'}"
        said = f". One of your own files cannot be used: {own.problems[0]}" if own.problems else ""
        raise PluginError(f"there is no method {key!r}{words}{said}")
    found: type[Method] = own.kinds[key]
    return found


@cache
def _shipped(key: str) -> type[Method]:
    module = importlib.import_module(f"engine.methods.{key}")
    own = held(module)
    if len(own) != 1:
        raise TypeError(f"engine/methods/{key}.py must hold exactly one Method, it holds {len(own)}")
    return own[0]


def held(module: object) -> list[type[Method]]:
    """The methods that a module itself declares."""
    name = module.__name__  # type: ignore[attr-defined]
    return [c for c in vars(module).values() if inspect.isclass(c) and issubclass(c, Method) and c.__module__ == name]


def chosen(key: str, given: Mapping[str, Any]) -> Knobs:
    """A method's settings from what an experiment gives of them; the weight of the labels belongs to the session."""
    return find(key).Params(**{name: value for name, value in given.items() if name != "ce_weight"})


def card(key: str) -> MethodCard:
    """What the catalogue says of a method. Raises PluginError for one of the user's own that cannot work."""
    kind = find(key)
    if key not in keys():
        from engine import own_methods

        own_methods.check(key, kind, _own().paths[key])
    return MethodCard(
        key=key, title=kind.title, summary=kind.summary, formula=kind.formula, paper=kind.paper, ce_weight=kind.ce_weight,
        needs=kind.needs, settings=specs(kind.Params), terms=kind.terms, watches=kind.watches, stages=kind.stages,
        mixes=kind.mixes, offers=kind.offers, features=kind.features, modifies=kind.modifies, classifier=kind.classifier,
    )  # fmt: skip
