"""Activation quantizers: their levels, and gradients that are not derivatives, held against FAQD's rules."""

from __future__ import annotations

import math

import pytest
import torch
from builders import golden

from engine.quantize.activations import OPTIMAL, RELEASED, ActivationQuantizer, levels, quantized

X = [-0.3, 0.0, 0.05, 0.1, 0.34, 0.61, 0.99, 5.0]
"""With a step of .2 and 2 bits: below, at and above every kind of border; L a = .6."""


def made(bits: int, step: float, **more) -> ActivationQuantizer:
    found = ActivationQuantizer(bits, learned=True, **more)
    with torch.no_grad():
        found.step.fill_(step)
    return found


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_everything_lies_on_the_levels_and_nothing_below_zero(bits: int) -> None:
    x = torch.linspace(-2, 4, 4001, dtype=torch.float64)
    step = torch.tensor(0.013, dtype=torch.float64)
    found = (quantized(x, step, bits) / step).round()
    assert found.unique().tolist() == list(range(2**bits))
    torch.testing.assert_close(quantized(x, step, bits), step * found)


def test_golden_values_of_two_bits() -> None:
    found = quantized(torch.tensor(X, dtype=torch.float64), torch.tensor(0.2, dtype=torch.float64), 2)
    assert found.tolist() == pytest.approx([0, 0, 0.2, 0.2, 0.4, 0.6, 0.6, 0.6])


def test_one_bit_is_zero_or_the_step() -> None:
    assert made(1, 0.7)(torch.tensor(X)).tolist() == pytest.approx([0, 0] + [0.7] * 6)


@pytest.mark.parametrize(
    ("kind", "passes"),
    [("clipped", [0, 0, 1, 1, 1, 0, 0, 0]), ("relu", [0, 0, 1, 1, 1, 1, 1, 1]), ("identity", [1] * 8)],
)
def test_which_inputs_pass_the_gradient_on(kind: str, passes: list[int]) -> None:
    x = torch.tensor(X, requires_grad=True)
    pull = golden((8,), 0.8).float()
    made(2, 0.2, to_input=kind)(x).backward(pull)
    assert torch.equal(x.grad, pull * torch.tensor(passes))


@pytest.mark.parametrize(
    ("kind", "slopes"),
    [
        ("mean", [0, 0, 2, 2, 2, 3, 3, 3]),
        ("exact", [0, 0, 1, 1, 2, 3, 3, 3]),
        ("pact", [0, 0, 0, 0, 0, 3, 3, 3]),
        ("min", [0, 0, 1, 1, 1, 3, 3, 3]),
    ],
)
def test_the_gradient_of_the_step_is_the_scaled_sum_of_the_rule(kind: str, slopes: list[int]) -> None:
    quantizer = made(2, 0.2, to_step=kind)
    pull = golden((8,), 0.8).float()
    quantizer(torch.tensor(X)).backward(pull)
    assert quantizer.step.grad.item() == pytest.approx(0.01 * (pull * torch.tensor(slopes)).sum().item(), rel=1e-6)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_gradient_of_the_step_is_kept_within_one_at_every_use(sign: float) -> None:
    quantizer = made(4, 0.2)
    x = torch.full((1000,), 9.0)
    (quantizer(x).sum() * sign + quantizer(x).sum() * sign).backward()
    assert quantizer.step.grad.item() == 2 * sign  # a shared quantizer is used twice, and bounded twice


@pytest.mark.parametrize(("step", "used"), [(1e-9, 1e-3), (-1.0, 1e-3), (9.0, 5.0)])
def test_a_step_out_of_bounds_is_used_as_the_bound_and_can_come_back(step: float, used: float) -> None:
    quantizer = made(1, step)
    quantizer(torch.tensor([10.0])).sum().backward()
    assert quantizer(torch.tensor([10.0])).item() == pytest.approx(used)
    assert quantizer.step.grad.abs() > 0


def test_half_precision_is_quantized_in_float32_and_comes_back_as_it_came() -> None:
    x = torch.linspace(0, 2, 500).bfloat16()
    quantizer = made(8, 0.0077)
    assert quantizer(x).dtype == torch.bfloat16
    assert torch.equal(quantizer(x), quantizer(x.float()).bfloat16())


def test_a_fixed_step_is_no_parameter_and_is_kept_with_the_state() -> None:
    quantizer = ActivationQuantizer(2, learned=False)
    assert list(quantizer.parameters()) == []
    assert list(quantizer.state_dict()) == ["step"]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_optimal_step_has_the_least_error_for_half_of_a_normal_distribution(bits: int) -> None:
    places = torch.linspace(0, 8, 400_001, dtype=torch.float64)
    density = torch.exp(-(places**2) / 2) / math.sqrt(2 * math.pi)

    def error(step: float) -> float:
        found = quantized(places, torch.tensor(step, dtype=torch.float64), bits)
        return float(((found - places) ** 2 * density).sum())

    least = error(OPTIMAL[bits])
    assert all(error(OPTIMAL[bits] * factor) > least for factor in (0.98, 1.02))
    assert error(RELEASED[bits]) / least == pytest.approx({1: 1.5, 2: 1.3, 4: 1.15, 8: 1.06}[bits], abs=0.05)
    assert levels(bits) == 2**bits - 1
