"""The shape of a method: what it declares, what it is given, and the one function it must have.

One method is one file in `engine/methods/`, holding one subclass of `Method`. Form, presets, plots, README table and
contract tests follow from its declarations.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from engine import comparing, pairing
from engine.cards import Axis, Classifier, Features, MethodCard, Mix, Needs, Stage, Term, Watch
from engine.findings import Check
from engine.knobs import Condition, Knobs, holds, specs
from engine.pairing import Match

__all__ = [
    "Axis", "Check", "Classifier", "Facts", "Features", "Knobs", "Lab", "Match", "Method", "Mix", "Needs", "Part", "Places",
    "Seen", "Side", "Stage", "Term", "View", "Watch", "card", "find", "keys",
]  # fmt: skip

Places = Mapping[str, str]
"""A method's own name -> the name of a tap."""


@dataclass(frozen=True)
class Facts:
    """What is known before the first batch. `labels` is N class numbers or None; `shape` is (C, H, W) of a batch."""

    classes: int
    class_names: tuple[str, ...]
    labels: Tensor | None
    samples: int
    shape: tuple[int, int, int]
    epochs: int
    steps_per_epoch: int
    device: torch.device


@dataclass(frozen=True)
class Part:
    """A module that stays in the student: inserted after a tap, or (`after="head"`) in the place of the classifier, and
    rebuilt from `kind` and `arguments` without a teacher. A method's part is named after it, and so are the taps inside."""

    name: str
    after: str
    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """What one net said of a batch: logits (B, C) and the taps by the method's own names."""

    logits: Tensor
    taps: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """One batch as a method sees it. `x` is (B, C, H, W) in [0, 1]; `y` (B,) or None; `index` (B,) positions in the
    training set; `epoch` counts from 1; `teacher` is None without a teacher net or a method that teaches (its `taps`
    are empty when a method teaches). Logits and taps are float32. Methods that compare logits see the student's as they
    asked for them (`Method.answers`), both nets' as the modifiers of the stack left them, and `temperature` (a scalar)
    where one set it: `Method.temperature` knows which one counts."""

    x: Tensor
    y: Tensor | None
    index: Tensor
    epoch: int
    step: int
    generator: torch.Generator
    student: View
    teacher: View | None = None
    temperature: Tensor | None = None


@dataclass(frozen=True)
class Side:
    """A net before training: the net itself and the shape of each tap, (C, H, W) or (d,), the taps of parts included."""

    net: nn.Module
    shapes: Mapping[str, tuple[int, ...]]

    @property
    def stages(self) -> tuple[str, ...]:
        """The taps of its stages in order, without stem and pooled features."""
        return pairing.stages(self.shapes)

    @property
    def head(self) -> nn.Linear:
        """The classifier: the last linear layer."""
        return self.net.head  # type: ignore[return-value]

    def module_at(self, tap: str) -> nn.Module:
        """The module whose output (or input) is the tap."""
        return self.net.module_at(tap)  # type: ignore[no-any-return,operator]

    def norm_before(self, tap: str) -> nn.BatchNorm2d:
        """The batch normalisation before the activation of a tap. Raises NetError where the net names none."""
        return self.net.norm_before(tap)  # type: ignore[no-any-return,operator]


class Lab(Protocol):
    """What a method's `prepare` works with. Pause, stop, progress and the ledger come for free in `loop` and `batches`."""

    facts: Facts
    student: Side
    teacher: Side | None
    generator: torch.Generator
    device: torch.device

    def loop(
        self,
        stage: str,
        modules: Iterable[nn.Module],
        loss: Callable[[Tensor, Tensor | None], Mapping[str, Tensor]],
        *,
        epochs: int,
        batch_size: int,
        optimizer: torch.optim.Optimizer,
        schedule: Any = None,
        after_epoch: Callable[[int], None] | None = None,
    ) -> None:
        """Train `modules` on the augmented training images: `loss(x, y)` gives named losses, whose sum is minimised and
        each of which becomes a curve."""
        ...

    def stage(self, name: str, state: Callable[[], Any] | None = None) -> AbstractContextManager[Any]:
        """`with lab.stage("soft labels"):` around closed-form work; `loop` opens its stage by itself. Work that can be gone
        on with says its `state()`, and is given what it said where an earlier attempt was cut short in it, else None."""
        ...

    def finished(self, name: str) -> Any:
        """What the `state()` of a stage was at its end, where an earlier attempt finished it; None where it is to be done."""
        ...

    def progress(self, what: str, done: int, total: int, unit: str) -> None:
        """Between two pieces of closed-form work: obey Pause and Stop, and say how far it is."""
        ...

    def batches(self, limit: int | None = None, augment: bool = False) -> Iterator[tuple[Tensor, Tensor | None, Tensor]]:
        """(x, y, index) over the training images in order, x in [0, 1]; at most `limit` images."""
        ...

    def images(self, index: Tensor) -> Tensor:
        """The training images at `index`, as (N, C, H, W) in [0, 1] without augmentation."""
        ...

    def normalise(self, x: Tensor) -> Tensor:
        """`x` with the mean and standard deviation of the dataset."""
        ...

    def show(self, watch: str, value: Tensor | list[dict[str, Any]], labels: Mapping[str, list[Any]] | None = None) -> None:
        """Report a watch: a tensor, or the rows of a table."""
        ...

    def measure(self, values: Mapping[str, float]) -> None:
        """Report scalars by their plain names; they become curves and evidence for findings."""
        ...

    def note(self, sentence: str) -> None:
        """A sentence for the log."""
        ...


class Method(nn.Module):
    """A distillation method. Only `losses` is required.

    The session asks in this order: `parts` (before its own are inserted), `build` (with those of the whole stack in place),
    then, once every method is built, `taps`, then `prepare`, and in every step `teach`, `answers`, `modify` and `losses`.
    Modules that `build` makes are trained with the student, unless they are frozen (`requires_grad_(False)`), and in train
    mode except while the student is evaluated and watched.
    Buffers of any size are kept in checkpoints, so a memory of every training image (`Seen.index`, `Facts.samples`) is one.
    """

    title: str
    summary: str
    paper: str
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
    """The methods that exist, in the order of their file names."""
    import engine.methods as package

    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__)))


@cache
def find(key: str) -> type[Method]:
    """The method of a file in `engine/methods/`."""
    module = importlib.import_module(f"engine.methods.{key}")
    own = [
        c for c in vars(module).values()
        if inspect.isclass(c) and issubclass(c, Method) and c.__module__ == module.__name__
    ]  # fmt: skip
    if len(own) != 1:
        raise TypeError(f"engine/methods/{key}.py must hold exactly one Method, it holds {len(own)}")
    return own[0]


def chosen(key: str, given: Mapping[str, Any]) -> Knobs:
    """A method's settings from what an experiment gives of them; the weight of the labels belongs to the session."""
    return find(key).Params(**{name: value for name, value in given.items() if name != "ce_weight"})


def card(key: str) -> MethodCard:
    """What the catalogue says of a method."""
    kind = find(key)
    return MethodCard(
        key=key, title=kind.title, summary=kind.summary, paper=kind.paper, ce_weight=kind.ce_weight, needs=kind.needs,
        settings=specs(kind.Params), terms=kind.terms, watches=kind.watches, stages=kind.stages, mixes=kind.mixes,
        offers=kind.offers, features=kind.features, modifies=kind.modifies, classifier=kind.classifier,
    )  # fmt: skip
