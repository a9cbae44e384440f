"""What holds for every registered method between nets of other families, depths and widths: it learns, or it refuses in a
sentence that names both shapes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from builders import SMALLER, SmallLab, seen_batch, side_of
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from engine import method, nets
from engine.adapter_kinds import ADAPTERS
from engine.experiment import TrainingSettings
from engine.method import Method, View, chosen, find
from engine.nets.parts import insert
from engine.optim import optimizer
from engine.pairing import PairError, by
from engine.taps import Look

PAIRS = [
    ("resnet8", "resnet8x4"),  # other widths
    ("vgg8", "resnet14"),  # four stages and three
    ("resnet8", "vgg8"),  # three stages and four, narrower
    ("mobilenetv2-half", "vgg8"),  # maps before an activation only in the teacher
    ("shufflenetv2", "resnet8x4"),  # other resolutions
    ("wrn16-1", "vgg8"),  # maps before an activation that a batch normalization alone puts out
]
TAUGHT = [key for key in tuple(method.keys()) if find(key).needs.teacher != "none"]
STEPS = 2
SHARED = {"1x1", "1x1 norm", "linear", "regressor"}
"""The adapters of `engine.adapters`; a method with kinds of its own may train more than it puts between the nets."""


def digits(side: int, count: int = 16) -> tuple[Tensor, Tensor]:
    """(count, 1, side, side) in [0, 1] and (count,)."""
    found = load_digits()
    images = torch.tensor(found.images[:count, None] / 16, dtype=torch.float32)
    return functional.interpolate(images, (side, side)), torch.tensor(found.target[:count])


def laboratory(student: str, teacher: str) -> SmallLab:
    side = max(nets.card(key).smallest for key in (student, teacher))
    images, labels = digits(side)
    made = [
        nets.build(key, classes=10, channels=1, size=side, generator=torch.Generator().manual_seed(i))
        for i, key in enumerate((student, teacher))
    ]
    lab = SmallLab(images, labels, classes=10, teacher=made[1].eval())
    lab.student = side_of(made[0], lab.facts.shape)
    return lab


def built(key: str, lab: SmallLab) -> Method:
    kind = find(key)
    each = kind(chosen(key, {k: v for k, v in SMALLER.items() if k in kind.Params.model_fields}))
    each.matches(lab.student, lab.teacher)
    for part in each.parts(lab.student, lab.teacher, lab.facts):
        insert(lab.student.net, part, torch.Generator().manual_seed(0))
    lab.student = side_of(lab.student.net, lab.facts.shape)
    torch.manual_seed(0)
    each.build(lab.student, lab.teacher, lab.facts)
    each.prepare(lab)
    return each


def steps(each: Method, lab: SmallLab) -> list[dict[str, Tensor]]:
    """A few steps of all its terms with the labels, as the session takes them."""
    own, other = each.taps(lab.student, lab.teacher)
    student, teacher = Look(lab.student.net, own), Look(lab.teacher.net, other)
    lab.student.net.train()
    updates = optimizer([lab.student.net, each], TrainingSettings(learning_rate=0.01), each.undecayed())
    said = []
    for x, y, index in list(lab.batches())[:1] * STEPS:
        with torch.no_grad():
            taught = teacher(x)
        seen: Any = replace(
            seen_batch(torch.zeros(1), None, y), x=x, index=index, student=student(x), teacher=View(taught.logits, taught.taps)
        )
        own_logits = seen.student.logits
        seen = each.modify(replace(seen, student=replace(seen.student, logits=each.answers(seen))))
        losses = each.losses(seen)
        total = functional.cross_entropy(own_logits, y) + sum(
            value * each.weight(term, 1) for term in each.active_terms() for value in [losses[term.name]]
        )
        updates.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_([p for g in updates.param_groups for p in g["params"]], 1.0)
        updates.step()
        said.append({"total": total.detach(), **{n: v.detach() for n, v in losses.items()}})
    return said


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize(("student", "teacher"), PAIRS, ids=[f"{s} from {t}" for s, t in PAIRS])
@pytest.mark.parametrize("key", TAUGHT)
def test_it_learns_between_different_nets_or_names_the_shapes_that_do_not_fit(key: str, student: str, teacher: str) -> None:
    lab = laboratory(student, teacher)
    try:
        each = built(key, lab)
    except PairError as error:
        own, other = ([by(shape) for shape in side.shapes.values()] for side in (lab.student, lab.teacher))
        assert any(shape in str(error) for shape in own) and any(shape in str(error) for shape in other)
        return
    before = {name: state(net) for name, net in (("student", lab.student.net), ("teacher", lab.teacher.net))}
    said = steps(each, lab)
    assert len(said) == STEPS
    assert all(value.isfinite() for losses in said for value in losses.values())
    assert all(losses.keys() == {"total", *(t.name for t in each.active_terms())} for losses in said)
    learned = lab.student.net.state_dict()
    assert any(not torch.equal(learned[name], value) for name, value in before["student"].items())
    assert all(torch.equal(value, before["teacher"][name]) for name, value in lab.teacher.net.state_dict().items())


@pytest.mark.parametrize("key", TAUGHT)
def test_the_plan_counts_the_parameters_of_its_adapters(key: str) -> None:
    lab = laboratory("shufflenetv2", "resnet8x4")
    try:
        each = built(key, lab)
    except PairError:
        pytest.skip("this method cannot compare these nets")
    found = each.matches(lab.student, lab.teacher)
    counted = sum(match.parameters for match in found)
    trained = sum(p.numel() for p in each.parameters() if p.requires_grad)
    assert counted <= trained
    assert counted == trained or not {match.adapter for match in found} & SHARED


@pytest.mark.parametrize("key", tuple(method.keys()))
def test_its_adapters_are_kinds_that_the_plan_knows(key: str) -> None:
    assert {features.adapter for features in find(key).features} <= set(ADAPTERS)
