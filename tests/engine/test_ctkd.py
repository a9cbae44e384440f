"""CTKD: a temperature between its bounds, a gradient that is turned round, and a curriculum."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from builders import golden, seen_batch

from engine import logits
from engine.method import Method, chosen, find
from engine.methods.ctkd import factor, reversal

Z_S, Z_T = golden((4, 5), 0.7, 3), golden((4, 5), 1.3, 5)


def made(**settings: Any) -> Method:
    method = find("ctkd")(chosen("ctkd", settings))
    method.build(None, None, None)  # type: ignore[arg-type]
    return method.double()


def test_the_temperature_begins_as_published_and_stays_between_its_bounds() -> None:
    assert made().watch(seen_batch(Z_S, Z_T, None))["temperature"].item() == pytest.approx(15.62, abs=5e-3)
    for start, value in ((-20.0, 1.0), (20.0, 21.0)):
        seen = made(start=start).modify(seen_batch(Z_S, Z_T, None))
        assert seen.temperature is not None and seen.temperature.item() == pytest.approx(value, abs=1e-6)


def test_the_reversal_grows_from_nothing_to_its_full_strength_and_stays() -> None:
    assert factor(1, 10) == pytest.approx(-0.5 * (1 - math.cos(math.pi / 10)))
    assert factor(5, 10) == pytest.approx(-0.5)
    assert factor(10, 10) == factor(240, 10) == factor(1, 0) == -1.0


def test_the_gradient_is_the_derivative_times_the_factor() -> None:
    x = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(reversal(x, -0.25).square(), x)
    assert found.item() == pytest.approx(-0.25 * 2 * 0.3)


@pytest.mark.parametrize("epoch", [1, 5, 30])
def test_kd_falls_for_the_student_and_rises_for_the_temperature(epoch: int) -> None:
    method, z = made(), Z_S.clone().requires_grad_()
    seen = method.modify(seen_batch(z, Z_T, None, epoch))
    assert seen.temperature is not None and seen.student.logits is z
    (turned,) = torch.autograd.grad(logits.kd(z, Z_T, seen.temperature), method.theta)
    theta = method.theta.detach().clone().requires_grad_()
    (plain,) = torch.autograd.grad(logits.kd(Z_S, Z_T, 1 + 20 * torch.sigmoid(theta)), theta)
    assert turned.item() == pytest.approx(factor(epoch, 10) * plain.item(), rel=1e-9) and plain.item() != 0


def test_it_has_no_loss_of_its_own_and_one_parameter() -> None:
    method = made()
    assert method.losses(seen_batch(Z_S, Z_T, None)) == {} and [n for n, _ in method.named_parameters()] == ["theta"]
