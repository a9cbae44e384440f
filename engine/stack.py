"""Who takes part in a run, and the methods' weighted terms over one batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from engine.cards import Term
from engine.loop import Batch
from engine.method import Method, Seen, View
from engine.nets.net import Net
from engine.resources import Resources
from engine.taps import Look


@dataclass
class Cast:
    """Who takes part: the nets, the methods in stack order, and the weight of the labels' cross-entropy."""

    student: Net
    teacher: Net | None
    methods: Mapping[str, Method]
    ce_weight: float


class Stack:
    """The methods' weighted terms over one batch. Looks into the nets at the taps that any method asked for."""

    def __init__(self, cast: Cast, resources: Resources, generator: torch.Generator, compiled: bool) -> None:
        self.cast, self.resources, self.generator = cast, resources, generator
        asked = {key: method.taps() for key, method in cast.methods.items()}
        self.terms: list[tuple[str, str, Term]] = [
            (f"{key}.{term.name}", key, term) for key, method in cast.methods.items() for term in method.active_terms()
        ]
        student_places = {f"{key}/{name}": tap for key, (own, _) in asked.items() for name, tap in own.items()}
        teacher_places = {f"{key}/{name}": tap for key, (_, other) in asked.items() for name, tap in other.items()}
        self._student = Look(_compiled(cast.student, compiled), student_places)
        self._teacher = Look(_compiled(cast.teacher, compiled), teacher_places) if cast.teacher is not None else None

    def see(self, batch: Batch) -> tuple[View, View | None]:
        """Both nets on a batch; logits in float32, the teacher without gradient."""
        with self.resources.autocast():
            student = self._student(batch.x)
            teacher = None
            if self._teacher is not None:
                with torch.no_grad():
                    teacher = self._teacher(batch.x)
        return _float32(student), None if teacher is None else _float32(teacher)

    def losses(self, batch: Batch, student: View, teacher: View | None) -> dict[str, Tensor]:
        """Every active term of every method, unweighted, by full name."""
        taught = self.taught(batch, student, teacher)
        return {
            f"{key}.{name}": value
            for key, method in self.cast.methods.items()
            for name, value in method.losses(self._seen(key, batch, student, taught)).items()
        }

    def watches(self, batch: Batch, student: View, teacher: View | None) -> dict[tuple[str, str], Tensor]:
        """Every active watch of the methods, by (method key, watch)."""
        taught = self.taught(batch, student, teacher)
        return {
            (key, name): value
            for key, method in self.cast.methods.items()
            for name, value in method.watch(self._seen(key, batch, student, taught)).items()
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


def _compiled(net: Net, wanted: bool) -> Net:
    """A compiled net passes on whatever else is asked of the net it wraps, so it looks like one."""
    return cast(Net, torch.compile(net, dynamic=False)) if wanted else net


def _float32(view: View) -> View:
    if view.logits.dtype == torch.float32:
        return view
    return View(view.logits.float(), {name: tap.float() for name, tap in view.taps.items()})


def _own(view: View, key: str) -> View:
    """The part of a view that one method asked for, under its own names."""
    if not view.taps:
        return view
    return View(view.logits, {n.removeprefix(f"{key}/"): t for n, t in view.taps.items() if n.startswith(f"{key}/")})
