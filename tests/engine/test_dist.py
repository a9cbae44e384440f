"""DIST and logit standardization: golden values, invariances, gradients, and the stacks they are published in."""

from __future__ import annotations

import pytest
import torch
from builders import golden, seen_batch
from torch import Tensor

from engine import logits
from engine.method import chosen, find

Y = torch.tensor([0, 2, 4, 1])


@pytest.fixture
def z_s() -> Tensor:
    return golden((4, 5), 0.7, 3)


@pytest.fixture
def z_t() -> Tensor:
    return golden((4, 5), 1.3, 5)


@pytest.mark.parametrize(
    ("temperature", "inter", "intra"), [(1.0, 0.880559857661, 0.416086600959), (4.0, 14.521535735, 8.63994061269)]
)
def test_dist_has_the_golden_values(z_s: Tensor, z_t: Tensor, temperature: float, inter: float, intra: float) -> None:
    found = find("dist")(chosen("dist", {"temperature": temperature})).losses(seen_batch(z_s, z_t, None))
    assert found["inter"].item() == pytest.approx(inter, rel=1e-9)
    assert found["intra"].item() == pytest.approx(intra, rel=1e-9)


def test_dist_weighs_both_relations_twice(z_s: Tensor, z_t: Tensor) -> None:
    method = find("dist")(chosen("dist", {}))
    found = method.losses(seen_batch(z_s, z_t, None))
    weighted = sum(method.weight(t, 1) * found[t.name] for t in method.terms)
    assert torch.as_tensor(weighted).item() == pytest.approx(2 * (14.521535735 + 8.63994061269), rel=1e-9)


def test_dist_is_pearsons_correlation_row_by_row(z_s: Tensor, z_t: Tensor) -> None:
    z_s, z_t = 0.2 * z_s, 0.2 * z_t  # flat enough for the 1e-8 in the denominator not to count
    p_s, p_t = z_s.softmax(1), z_t.softmax(1)
    rows = [1 - torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(p_s, p_t)]
    columns = [1 - torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(p_s.T, p_t.T)]
    found = logits.dist(z_s, z_t, 1.0)
    assert torch.allclose(torch.stack(found), torch.stack([torch.stack(rows).mean(), torch.stack(columns).mean()]), atol=1e-6)


def test_dist_vanishes_for_agreement_and_is_differentiable(z_s: Tensor, z_t: Tensor) -> None:
    assert all(v.abs() < 2e-5 for v in logits.dist(0.2 * z_t + 3.0, 0.2 * z_t, 1.0))  # not 0: the 1e-8 counts
    assert torch.autograd.gradcheck(lambda z: sum(logits.dist(z, z_t, 2.0)), z_s.requires_grad_())


def test_outputs_without_any_relation_give_one_and_no_wild_gradient(z_t: Tensor) -> None:
    z = torch.zeros(4, 5, dtype=torch.float64, requires_grad=True)
    inter, _ = logits.dist(z, z_t, 1.0)
    inter.backward()
    assert inter.item() == 1.0 and z.grad is not None and torch.isfinite(z.grad).all()


def test_without_anyone_who_teaches_the_sentence_says_what_to_choose() -> None:
    with pytest.raises(ValueError, match="choose a teacher net, or a method that teaches"):
        find("dist")(chosen("dist", {})).losses(seen_batch(golden((4, 5), 0.7), None, Y))


def standardized_losses(key: str, settings: dict[str, float], z_s: Tensor, z_t: Tensor) -> float:
    """The weighted sum of a method's terms on what logit standardization leaves."""
    seen = find("logit_standardization")(chosen("logit_standardization", {})).modify(seen_batch(z_s, z_t, Y))
    method = find(key)(chosen(key, settings))
    found = method.losses(seen)
    return sum(method.weight(t, 1) * found[t.name].item() for t in method.terms)


def test_standardized_kd_and_dkd_have_the_golden_values(z_s: Tensor, z_t: Tensor) -> None:
    kd = standardized_losses("kd", {"temperature": 2, "weight": 1}, z_s, z_t)
    dkd = standardized_losses("dkd", {"temperature": 2, "alpha": 9, "beta": 72, "warmup": 0}, z_s, z_t)
    assert (kd, dkd) == (pytest.approx(0.760879476902, rel=1e-9), pytest.approx(54.2078463731, rel=1e-9))


def test_standardized_logits_know_neither_shift_nor_scale(z_s: Tensor) -> None:
    found = logits.standardized(z_s)
    assert torch.allclose(found.mean(dim=1), torch.zeros(4, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(found.std(dim=1), torch.ones(4, dtype=torch.float64), atol=1e-6)
    assert torch.allclose(logits.standardized(7 * z_s + 3), found, atol=1e-6)


def test_standardization_is_differentiable_also_where_all_logits_are_equal(z_s: Tensor) -> None:
    assert torch.autograd.gradcheck(logits.standardized, z_s.requires_grad_())
    z = torch.zeros(2, 5, requires_grad=True)
    logits.standardized(z).square().sum().backward()
    assert z.grad is not None and torch.isfinite(z.grad).all()


def test_standardization_has_no_loss_and_leaves_an_absent_teacher_absent(z_s: Tensor) -> None:
    method = find("logit_standardization")(chosen("logit_standardization", {}))
    assert method.modifies and method.losses(seen_batch(z_s, None, Y)) == {}
    assert method.modify(seen_batch(z_s, None, Y)).teacher is None
