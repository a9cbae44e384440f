"""The losses on logits, against the reference's golden values, a slow plain reference, properties and gradcheck."""

from __future__ import annotations

import math

import pytest
import torch
from builders import golden
from torch import Tensor
from torch.nn import functional

from engine import logits

Y = torch.tensor([0, 2, 4, 1])


@pytest.fixture
def z_s() -> Tensor:
    return golden((4, 5), 0.7, 3)


@pytest.fixture
def z_t() -> Tensor:
    return golden((4, 5), 1.3, 5)


def test_soft_labels_and_cross_entropy_have_the_golden_values(z_s: Tensor) -> None:
    expected = torch.tensor([0.16237935, 0.45197705, 0.31322141, 0.06421563, 0.00820655], dtype=torch.float64)
    assert torch.allclose(logits.soft_labels(z_s)[0], expected, atol=5e-9)
    assert functional.cross_entropy(z_s, Y).item() == pytest.approx(4.31367561452, rel=1e-9)


@pytest.mark.parametrize(
    ("temperature", "kd", "tckd", "nckd"),
    [(1.0, 2.57176067364, 0.425419875573, 2.35608291713), (4.0, 6.67068298603, 1.53608932117, 6.24452417347)],
)
def test_kd_and_dkd_have_the_golden_values(
    z_s: Tensor, z_t: Tensor, temperature: float, kd: float, tckd: float, nckd: float
) -> None:
    assert logits.kd(z_s, z_t, temperature).item() == pytest.approx(kd, rel=1e-9)
    assert logits.tckd(z_s, z_t, Y, temperature).item() == pytest.approx(tckd, rel=1e-9)
    assert logits.nckd(z_s, z_t, Y, temperature).item() == pytest.approx(nckd, rel=1e-9)


def test_dkd_with_beta_8_has_the_golden_value(z_s: Tensor, z_t: Tensor) -> None:
    target, rest = logits.dkd(z_s, z_t, Y, 4.0)
    assert (target + 8 * rest).item() == pytest.approx(51.4922827089, rel=1e-9)


def test_kd_is_its_two_parts_with_the_rest_weighted_by_the_teachers_doubt(z_s: Tensor, z_t: Tensor) -> None:
    parts = []
    for s, t, y in zip(z_s.split(1), z_t.split(1), Y.split(1)):
        target, rest = logits.dkd(s, t, y, 4.0)
        parts.append(target + (1 - logits.soft_labels(t, 4.0)[0, y[0]]) * rest)
    assert torch.stack(parts).mean().item() == pytest.approx(logits.kd(z_s, z_t, 4.0).item(), rel=1e-12)


@pytest.mark.parametrize("loss", [lambda s, t: logits.kd(s, t, 2.0), lambda s, t: sum(logits.dkd(s, t, Y, 2.0))])
def test_losses_vanish_when_student_and_teacher_agree_up_to_a_shift(z_t: Tensor, loss) -> None:  # type: ignore[no-untyped-def]
    shift = torch.arange(4.0, dtype=torch.float64)[:, None]
    assert abs(loss(z_t + shift, z_t).item()) < 1e-12


def test_gradients_of_kd_tckd_and_nckd_are_their_derivatives(z_s: Tensor, z_t: Tensor) -> None:
    z_s.requires_grad_()
    assert torch.autograd.gradcheck(lambda z: logits.kd(z, z_t, 3.0), z_s)
    assert torch.autograd.gradcheck(lambda z: logits.tckd(z, z_t, Y, 3.0), z_s)
    assert torch.autograd.gradcheck(lambda z: logits.nckd(z, z_t, Y, 3.0), z_s)


def test_nckd_does_not_pull_at_the_target_class(z_s: Tensor, z_t: Tensor) -> None:
    z_s.requires_grad_()
    logits.nckd(z_s, z_t, Y, 4.0).backward()
    assert z_s.grad is not None
    assert z_s.grad.gather(1, Y[:, None]).abs().max() < 1e-15


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("scale", [1.0, 50.0, 1000.0])
def test_dkd_and_its_gradient_stay_finite_for_certain_nets_in_any_precision(
    z_s: Tensor, z_t: Tensor, dtype: torch.dtype, scale: float
) -> None:
    student = (scale * z_s).to(dtype).requires_grad_()
    target, rest = logits.dkd(student, (scale * z_t).to(dtype), Y, 4.0)
    (target + rest).backward()
    assert student.grad is not None
    assert torch.isfinite(target) and torch.isfinite(rest) and torch.isfinite(student.grad).all()


def test_kl_to_given_soft_labels_keeps_them_and_softens_the_student_alone(z_s: Tensor, z_t: Tensor) -> None:
    p = logits.soft_labels(z_t)
    slow = sum(p[b, c] * (p[b, c].log() - logits.soft_labels(z_s, 5.0)[b, c].log()) for b in range(4) for c in range(5))
    assert logits.kl(z_s, p, 5.0).item() == pytest.approx(float(slow) / 4, rel=1e-12)
    assert logits.kl(z_s, p, 5.0, "mean").item() == pytest.approx(float(slow) / 20, rel=1e-12)


def test_kl_takes_one_hot_targets() -> None:
    z = torch.tensor([[2.0, -1.0, 0.5]])
    assert logits.kl(z, torch.tensor([[1.0, 0.0, 0.0]])).item() == pytest.approx(
        functional.cross_entropy(z, torch.tensor([0])).item(), rel=1e-6
    )


def test_entropy_runs_from_zero_for_one_hot_to_one_for_uniform_soft_labels() -> None:
    assert logits.relative_entropy(torch.eye(4)).item() == 0.0
    assert logits.relative_entropy(torch.full((3, 4), 0.25)).item() == pytest.approx(1.0, rel=1e-6)
    assert logits.entropy(torch.tensor([0.5, 0.5, 0.0])).item() == pytest.approx(math.log(2), rel=1e-6)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    p = torch.tensor([[0.8, 0.2]]).repeat(10, 1)
    y = torch.tensor([0] * 6 + [1] * 4)
    assert logits.calibration_error(p, y).item() == pytest.approx(0.2, abs=1e-7)
    assert logits.calibration_error(torch.eye(3), torch.arange(3)).item() == 0.0


def test_gaps_of_different_bins_do_not_cancel() -> None:
    p = torch.tensor([[0.6, 0.4], [0.9, 0.1]])
    assert logits.calibration_error(p, torch.tensor([0, 1])).item() == pytest.approx(0.5 * 0.4 + 0.5 * 0.9, abs=1e-7)


def test_class_means_are_means_of_a_class_and_nan_where_it_has_no_image() -> None:
    p = torch.tensor([[0.9, 0.1, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    found = logits.class_mean(p, torch.tensor([0, 0, 2]), 3)
    assert torch.allclose(found[0], torch.tensor([0.7, 0.3, 0.0]))
    assert found[1].isnan().all()
    assert torch.equal(found[2], p[2])


def test_correlation_ignores_shift_and_scale_of_an_images_logits(z_t: Tensor) -> None:
    assert logits.correlation(3 * z_t + 7, z_t).item() == pytest.approx(1.0, rel=1e-12)
    assert logits.correlation(-z_t, z_t).item() == pytest.approx(-1.0, rel=1e-12)


def test_agreement_counts_equal_choices(z_t: Tensor) -> None:
    other = z_t.clone()
    other[0] = -other[0]
    assert logits.agreement(other, z_t).item() == 0.75


def test_matched_smoothing_keeps_the_diagonal_and_evens_the_rest() -> None:
    q = logits.soft_labels(golden((4, 4), 0.9, 2))
    even = logits.smoothing_like(q)
    assert torch.equal(even.diagonal(), q.diagonal())
    assert torch.allclose(even.sum(dim=1), torch.ones(4, dtype=torch.float64))
    assert all(len(set(row[torch.arange(4) != i].tolist())) == 1 for i, row in enumerate(even))
    assert logits.kl_to_smoothing(even).item() == pytest.approx(0.0, abs=1e-15)
    assert logits.kl_to_smoothing(q).item() > 0


@pytest.mark.parametrize("share", [0.05, 0.5, 0.94, 0.999])
def test_the_temperature_of_an_entropy_gives_that_entropy(z_t: Tensor, share: float) -> None:
    found = logits.temperature_of_entropy(z_t, share)
    assert logits.relative_entropy(logits.soft_labels(z_t, found)).item() == pytest.approx(share, abs=1e-9)
