"""Who takes part in a run, and the methods' weighted terms over one batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.cards import Term
from engine.forward import Forward
from engine.loop import Batch
from engine.method import Method, Places, Seen, View
from engine.nets.net import Net
from engine.quantize.quantization import Quantization
from engine.resources import Resources
from engine.taps import Look


@dataclass
class Cast:
    """Who takes part: the nets, the methods in stack order, the weight of the labels' cross-entropy, where each method looks,
    in the student and in the teacher, and how the student is quantized."""

    student: Net
    teacher: Net | None
    methods: Mapping[str, Method]
    ce_weight: float
    places: Mapping[str, tuple[Places, Places]]
    quantization: Quantization


class Stack:
    """The methods' weighted terms over one batch. Looks into the nets at the taps that any method asked for."""

    def __init__(self, cast: Cast, resources: Resources, generator: torch.Generator, forward: Forward) -> None:
        self.cast, self.resources, self.generator = cast, resources, generator
        asked = cast.places
        self.terms: list[tuple[str, str, Term]] = [
            (f"{key}.{term.name}", key, term) for key, method in cast.methods.items() for term in method.active_terms()
        ]
        student_places = {f"{key}/{name}": tap for key, (own, _) in asked.items() for name, tap in own.items()}
        teacher_places = {f"{key}/{name}": tap for key, (_, other) in asked.items() for name, tap in other.items()}
        self._student = Look(cast.student, student_places, forward.student)
        self.memo = forward.memo if not teacher_places else None
        self._teacher = None if forward.quick is None else Look(forward.quick, teacher_places, forward.teacher)

    def see(self, batch: Batch, plain: bool = False) -> tuple[View, View | None]:
        """Both nets on a batch; logits in float32, the teacher without gradient. `plain`: the student is not compiled, so that
        its graph can be gone back through more than once (a compiled one then gives other gradients)."""
        with self.resources.autocast():
            student = self._student(batch.x, plain)
            with torch.no_grad():
                teacher = self._asked(batch)
        return _float32(student), None if teacher is None else _float32(teacher)

    def _asked(self, batch: Batch) -> View | None:
        """What the teacher net says of a batch, or said of these views before."""
        teacher = self._teacher
        if teacher is None:
            return None
        if self.memo is None or batch.views is None:
            return teacher(batch.x)
        return View(self.memo.logits(lambda x: teacher(x).logits, batch.x, batch.views))

    def losses(self, batch: Batch, student: View, teacher: View | None) -> dict[str, Tensor]:
        """Every active term of every method, unweighted, by full name."""
        return {
            f"{key}.{name}": value
            for key, seen in self._each_sees(batch, student, self.taught(batch, student, teacher)).items()
            for name, value in self.cast.methods[key].losses(seen).items()
        }

    def watches(
        self, batch: Batch, student: View, teacher: View | None, generator: torch.Generator
    ) -> dict[tuple[str, str], Tensor]:
        """Every active watch of the methods, by (method key, watch). Methods draw from `generator`, for what is watched must
        not move what is trained."""
        return {
            (key, name): value
            for key, seen in self._each_sees(batch, student, self.taught(batch, student, teacher)).items()
            for name, value in self.cast.methods[key].watch(replace(seen, generator=generator)).items()
        }

    @property
    def signalling(self) -> tuple[str, ...]:
        """The methods that make features of their own whose signal-to-noise is measured."""
        return tuple(key for key, method in self.cast.methods.items() if type(method).signals is not Method.signals)

    def signals(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Those features of one batch, by `<method>.<name>`."""
        student, teacher = self.see(batch)
        sees = self._each_sees(batch, student, self.taught(batch, student, teacher))
        return {
            f"{key}.{name}": value.float()
            for key in self.signalling
            for name, value in self.cast.methods[key].signals(replace(sees[key], generator=generator)).items()
        }

    def taught(self, batch: Batch, student: View, teacher: View | None) -> View | None:
        """Whoever teaches: the teacher net, or the one method of the stack that offers logits."""
        if teacher is not None:
            return teacher
        for key, method in self.cast.methods.items():
            if method.teaches():
                logits = method.teach(self._seen(key, batch, student, None))
                return None if logits is None else View(logits)
        return None

    def _each_sees(self, batch: Batch, student: View, taught: View | None) -> dict[str, Seen]:
        """What each method sees; for those that compare logits, as the modifiers of the stack left it."""
        sees = {key: _answered(each, self._seen(key, batch, student, taught)) for key, each in self.cast.methods.items()}
        for modifier, method in self.cast.methods.items():
            if not method.modifies:
                continue
            own = sees[modifier]
            for key, other in self.cast.methods.items():
                if key == modifier or other.needs.compares_logits:
                    sees[key] = _changed(sees[key], method.modify(_changed(own, sees[key])))
        return sees

    def _seen(self, key: str, batch: Batch, student: View, teacher: View | None) -> Seen:
        return Seen(
            x=batch.x,
            y=batch.y,
            index=batch.index,
            epoch=batch.epoch,
            step=batch.step,
            generator=self.generator,
            student=_own(student, key),
            teacher=None if teacher is None else _own(teacher, key),
        )

    def weights(self, epoch: int) -> dict[str, float]:
        """The weight of each term at an epoch, warm-up included."""
        return {name: self.cast.methods[key].weight(term, epoch) for name, key, term in self.terms}

    def grown(self, epoch: int) -> dict[str, float]:
        """The share of its weight that each term has at an epoch."""
        return {name: self.cast.methods[key].grown(term, epoch) for name, key, term in self.terms}


def _answered(method: Method, seen: Seen) -> Seen:
    """`seen` with the student's logits that a method compares."""
    return replace(seen, student=replace(seen.student, logits=method.answers(seen)))


def _changed(seen: Seen, changed: Seen) -> Seen:
    """`seen` with the logits and the temperature of `changed`; its taps stay its own."""
    student = replace(seen.student, logits=changed.student.logits)
    if seen.teacher is None or changed.teacher is None:
        return replace(seen, student=student, temperature=changed.temperature)
    teacher = replace(seen.teacher, logits=changed.teacher.logits)
    return replace(seen, student=student, teacher=teacher, temperature=changed.temperature)


def _float32(view: View) -> View:
    return View(view.logits.float(), {name: tap.float() for name, tap in view.taps.items()})


def _own(view: View, key: str) -> View:
    """The part of a view that one method asked for, under its own names."""
    if not view.taps:
        return view
    return View(view.logits, {n.removeprefix(f"{key}/"): t for n, t in view.taps.items() if n.startswith(f"{key}/")})
