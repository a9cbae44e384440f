"""Modifiers change what the methods of a stack that compare logits see, and nothing else; parameters may be spared decay."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from builders import SmallNet, side_of
from torch import Tensor, nn

from engine.experiment import TrainingSettings
from engine.forward import Forward
from engine.loop import Batch
from engine.method import Method, Needs, Seen, Side, Term, chosen, find
from engine.optim import optimizer
from engine.quantize.quantization import Quantization
from engine.quantize.settings import QuantizeSettings
from engine.resources import Resources
from engine.stack import Cast, Stack

PLAIN = Resources(device="cpu", precision="float32", compile=False, threads=1)


class Halving(Method):
    """Halves both nets' logits and sets a temperature that is learned."""

    title = summary = paper = "Halving"
    needs = Needs(teacher="logits")
    modifies = True

    def build(self, student: Side, teacher: Side | None, facts: object) -> None:
        self.theta = nn.Parameter(torch.tensor(3.0))

    def modify(self, seen: Seen) -> Seen:
        assert seen.teacher is not None
        student = replace(seen.student, logits=seen.student.logits / 2)
        return replace(
            seen, student=student, teacher=replace(seen.teacher, logits=seen.teacher.logits / 2), temperature=self.theta
        )

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        return {}

    def undecayed(self) -> tuple[nn.Parameter, ...]:
        return (self.theta,)


class Listening(Method):
    """Keeps what it sees; its one term is the sum of the student's logits."""

    title = summary = paper = "Listening"
    terms = (Term("sum", "The sum of the student's logits."),)

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        self.seen = seen
        return {"sum": seen.student.logits.sum()}


class OnLogits(Listening):
    needs = Needs(teacher="net", logits=True)


class OnFeatures(Listening):
    needs = Needs(teacher="net")

    def taps(self, student: Side, teacher: Side | None) -> tuple[dict[str, str], dict[str, str]]:
        return {"mine": "f2"}, {"theirs": "f3"}


def stack(**methods: Method) -> tuple[Stack, Batch]:
    student, teacher = SmallNet().eval(), SmallNet(widths=(5, 6, 8, 12)).eval()
    sides = side_of(student, (1, 8, 8)), side_of(teacher, (1, 8, 8))
    places = {key: method.taps(*sides) for key, method in methods.items()}
    plain = Quantization(student, QuantizeSettings(), lambda: torch.empty(0), 1, 1)
    cast = Cast(student, teacher, methods, 1.0, places, plain)
    made = Stack(cast, PLAIN, torch.Generator(), Forward(student, teacher, teacher))
    x = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return made, Batch(x, torch.tensor([0, 1, 2, 3]), torch.arange(4), 1, 0)


def halving() -> Halving:
    made = Halving(Halving.Params())
    made.build(Side(nn.Identity(), {}), None, None)
    return made


def test_methods_on_logits_see_them_modified_wherever_the_modifier_stands_and_others_as_they_are() -> None:
    before, features = OnLogits(Method.Params()), OnFeatures(Method.Params())
    modifier = halving()
    made, batch = stack(before=before, halving=modifier, features=features)
    student, teacher = made.see(batch)
    made.losses(batch, student, teacher)
    assert teacher is not None and before.seen.teacher is not None and features.seen.teacher is not None
    assert torch.equal(before.seen.student.logits, student.logits / 2)
    assert torch.equal(before.seen.teacher.logits, teacher.logits / 2)
    assert before.seen.temperature is modifier.theta
    assert torch.equal(features.seen.student.logits, student.logits)
    assert features.seen.temperature is None
    assert (set(features.seen.student.taps), set(features.seen.teacher.taps)) == ({"mine"}, {"theirs"})


class Otherwise(OnLogits):
    """Compares thrice the student's logits."""

    def answers(self, seen: Seen) -> Tensor:
        return 3 * seen.student.logits


def test_what_a_method_compares_instead_of_the_students_logits_is_what_modifiers_change() -> None:
    own, other, modifier = Otherwise(Method.Params()), OnLogits(Method.Params()), halving()
    made, batch = stack(own=own, halving=modifier, other=other)
    student, teacher = made.see(batch)
    made.losses(batch, student, teacher)
    assert torch.equal(own.seen.student.logits, 3 * student.logits / 2)
    assert torch.equal(other.seen.student.logits, student.logits / 2)
    assert own.seen.temperature is modifier.theta
    alone, _ = stack(own=own)
    alone.watches(batch, student, teacher, torch.Generator())
    alone.losses(batch, student, teacher)
    assert torch.equal(own.seen.student.logits, 3 * student.logits)


def test_modifiers_follow_one_another_in_stack_order() -> None:
    listening = OnLogits(Method.Params())
    made, batch = stack(one=halving(), two=halving(), listening=listening)
    student, teacher = made.see(batch)
    made.losses(batch, student, teacher)
    assert torch.equal(listening.seen.student.logits, student.logits / 4)


def test_a_temperature_that_a_modifier_learns_takes_the_place_of_the_methods_own() -> None:
    kd, modifier = find("kd")(chosen("kd", {"temperature": 4.0})), halving()
    made, batch = stack(kd=kd, halving=modifier)
    student, teacher = made.see(batch)
    found = made.losses(batch, student, teacher)["kd.kl"]
    (gradient,) = torch.autograd.grad(found, modifier.theta)
    assert gradient.abs() > 0
    own = find("kd")(chosen("kd", {"temperature": 3.0}))
    alone, _ = stack(kd=own)
    halved = [replace(view, logits=view.logits / 2) for view in (student, teacher) if view is not None]
    torch.testing.assert_close(found, alone.losses(batch, halved[0], halved[1])["kd.kl"])


def test_without_a_modifier_every_method_has_its_own_temperature() -> None:
    kd = find("kd")(chosen("kd", {"temperature": 2.5}))
    listening = OnLogits(Method.Params())
    made, batch = stack(listening=listening)
    made.losses(batch, *made.see(batch))
    assert kd.temperature(listening.seen) == 2.5


@pytest.mark.parametrize("everything", [True, False])
def test_weight_decay_spares_the_parameters_that_a_method_names(everything: bool) -> None:
    net, modifier = SmallNet(), halving()
    settings = TrainingSettings(weight_decay=0.1, decay_norms_and_biases=everything)
    groups = optimizer([net, modifier], settings, modifier.undecayed()).param_groups
    decayed = {id(p): g["weight_decay"] for g in groups for p in g["params"]}
    assert decayed[id(modifier.theta)] == 0.0
    assert decayed[id(net.fc.weight)] == 0.1
    assert decayed[id(net.fc.bias)] == (0.1 if everything else 0.0)
