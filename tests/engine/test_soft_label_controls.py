"""Controls of methods that learn from logits: what they keep of the teacher's soft labels, and what they take away."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from engine import logits, method, presets, rules
from engine.knobs import specs
from engine.method import Seen, Side, View, chosen, find
from engine.soft_label_controls import controlled, evened, shuffled

LEARNERS = [key for key in tuple(method.keys()) if find(key).needs.teacher == "logits" and not find(key).modifies]


@pytest.fixture
def z() -> Tensor:
    return 5 * torch.sin(1.3 * torch.arange(1, 31, dtype=torch.float32)).reshape(6, 5)


@pytest.fixture
def y() -> Tensor:
    return torch.tensor([0, 2, 4, 1, 0, 2])


@pytest.mark.parametrize("temperature", [1.0, 4.0, torch.tensor(2.5)])
def test_matched_smoothing_is_as_sure_of_the_right_class_and_even_about_the_rest(
    temperature: float | Tensor, z: Tensor, y: Tensor
) -> None:
    p, q = (logits.soft_labels(each, temperature) for each in (z, evened(z, y, temperature)))
    rows = torch.arange(len(y))
    torch.testing.assert_close(q[rows, y], p[rows, y])
    others = q[~torch.zeros_like(q, dtype=torch.bool).scatter_(1, y[:, None], True)].view(6, 4)
    torch.testing.assert_close(others, others.mean(1, keepdim=True).expand(6, 4))


def test_shuffling_keeps_the_right_class_and_every_value_and_moves_the_others(z: Tensor, y: Tensor) -> None:
    mixed = shuffled(z, y)
    rows = torch.arange(len(y))
    assert torch.equal(mixed[rows, y], z[rows, y])
    assert torch.equal(mixed.sort(1).values, z.sort(1).values)
    assert not torch.equal(mixed, z)


def test_all_images_of_a_class_are_shuffled_alike_and_each_class_in_its_own_way() -> None:
    numbers = torch.arange(50.0).expand(50, 50)
    one, again = (shuffled(numbers, torch.full((50,), c)) for c in (3, 4))
    assert (one == one[0]).all() and not torch.equal(one[0], again[0])
    assert torch.equal(one, shuffled(numbers, torch.full((50,), 3)))


def test_without_labels_a_control_says_what_it_needs(z: Tensor) -> None:
    assert controlled(z, None, 4.0, "none") is z
    with pytest.raises(ValueError, match="needs labels"):
        controlled(z, None, 4.0, "shuffled")


def losses(key: str, taught: Tensor, y: Tensor, **settings: Any) -> dict[str, Tensor]:
    """The terms of a method at logits of the student's that are the same in every call."""
    made = find(key)(chosen(key, settings))
    facts: Any = SimpleNamespace(classes=5, class_names=tuple("abcde"))
    made.build(Side(torch.nn.Identity(), {}), None, facts)
    student = View((0.5 * torch.sin(0.7 * torch.arange(30.0))).reshape(6, 5).requires_grad_())
    return made.losses(Seen(taught, y, y, 1, 0, torch.Generator(), student, View(taught)))


def test_every_method_on_logits_alone_has_both_controls() -> None:
    assert LEARNERS == ["aekt", "dist", "dkd", "kd"]
    for key in LEARNERS:
        declared = next(s.controls for s in specs(find(key).Params) if s.name == "control")
        assert dict(declared) == {"label smoothing": "matched label smoothing", "shuffled": "shuffled soft labels"}


@pytest.mark.parametrize("key", LEARNERS)
def test_a_controlled_method_compares_with_the_changed_soft_labels(key: str, z: Tensor, y: Tensor) -> None:
    plain = losses(key, z, y)
    temperature = float(chosen(key, {}).temperature)  # type: ignore[attr-defined]
    for kind, instead in (("label smoothing", evened(z, y, temperature)), ("shuffled", shuffled(z, y))):
        found = losses(key, z, y, control=kind)
        torch.testing.assert_close(found, losses(key, instead, y))
        assert all(value.requires_grad for value in found.values())
        assert any(not torch.allclose(found[name], plain[name]) for name in plain)


def test_without_labels_a_control_is_refused_and_named_before_anything_is_loaded() -> None:
    tree = {"dataset": {"labels": False}, "teacher": {"net": "resnet20", "source": "scratch"}}
    for control, said in (("none", []), ("shuffled", ["KD needs the labels of the training images where control is shuffled"])):
        asked = presets.from_tree(tree | {"methods": {"kd": {"control": control, "ce_weight": 0}}}, "a test").experiment
        assert [p.sentence for p in rules.problems(asked)] == said
