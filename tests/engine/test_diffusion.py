"""The schedule and DDIM, against the reference's values, an oracle, and a slow plain computation."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from builders import golden
from torch import Tensor

from engine.denoising import diffusion

Z = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)


def test_the_schedule_has_the_reference_values() -> None:
    found = [round(diffusion.signals()[t], 4) for t in (0, 100, 200, 300, 400, 500)]
    assert found == [0.9999, 0.8951, 0.6563, 0.3940, 0.1936, 0.0778]
    assert len(diffusion.signals()) == 1000


def test_five_evaluations_visit_the_times_of_the_code_and_of_the_paper() -> None:
    assert diffusion.times(5, "code") == (400, 300, 200, 100, 0)
    assert diffusion.times(5, "paper") == (500, 400, 300, 200, 100)


@pytest.mark.parametrize(("evaluations", "start"), [(1, 0), (3, 332), (10, 450), (20, 475)])
def test_on_the_code_grid_the_number_of_evaluations_moves_the_start(evaluations: int, start: int) -> None:
    along = diffusion.times(evaluations, "code")
    assert (along[0], along[-1], len(along)) == (start, 0, evaluations)
    assert along == tuple(sorted(range(0, 500, 500 // evaluations)[:evaluations], reverse=True))


@pytest.mark.parametrize("grid", ["code", "paper"])
def test_a_given_start_stays_whatever_the_number_of_evaluations(grid: diffusion.Grid) -> None:
    for evaluations in (1, 2, 3, 5, 20):
        along = diffusion.times(evaluations, grid, 400)
        assert along[0] == 400 and len(along) == evaluations
        assert all(a > b >= 0 for a, b in itertools.pairwise(along))


def test_ddim_has_the_golden_value() -> None:
    found = diffusion.denoised(Z, lambda z, t: torch.sin(z + t), diffusion.times(5, "code"))
    expected = torch.tensor([2.157356055, -5.982116341, 1.566254923], dtype=torch.float64)
    assert torch.allclose(found, expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize(("evaluations", "gain"), [(1, 1.0), (5, 2.3), (20, 3.2)])
def test_a_predictor_that_sees_no_noise_only_scales(evaluations: int, gain: float) -> None:
    along = diffusion.times(evaluations, "code")
    found = diffusion.denoised(Z, lambda z, t: torch.zeros_like(z), along)
    assert torch.allclose(found, Z / math.sqrt(diffusion.signals()[along[0]]), rtol=1e-12)
    assert (found / Z).mean().item() == pytest.approx(gain, abs=0.05)


def test_one_evaluation_on_the_code_grid_changes_next_to_nothing() -> None:
    found = diffusion.denoised(Z, lambda z, t: torch.sin(z + t), diffusion.times(1, "code"))
    assert (found - Z).abs().max() < 0.011


@pytest.mark.parametrize("grid", ["code", "paper"])
@pytest.mark.parametrize("evaluations", [1, 3, 5])
def test_with_the_true_noise_ddim_gives_back_what_was_noised(grid: diffusion.Grid, evaluations: int) -> None:
    z, noise = golden((4, 6, 3, 3), 0.7), golden((4, 6, 3, 3), 1.3)
    along = diffusion.times(evaluations, grid)

    def oracle(seen: Tensor, t: int) -> Tensor:
        signal = diffusion.signals()[t]
        return (seen - math.sqrt(signal) * z) / math.sqrt(1 - signal)

    start = diffusion.noised(z, noise, diffusion.signals()[along[0]])
    assert torch.allclose(diffusion.denoised(start, oracle, along), z, atol=1e-9)


def test_each_image_is_noised_to_its_own_time() -> None:
    z, noise = golden((2, 3), 0.7), golden((2, 3), 1.3)
    found = diffusion.noised(z, noise, torch.tensor([[0.25], [1.0]], dtype=torch.float64))
    assert torch.allclose(found, torch.stack([0.5 * z[0] + math.sqrt(0.75) * noise[0], z[1]]))


def test_the_gradient_goes_back_through_every_evaluation() -> None:
    weight = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    z = golden((2, 3), 0.7).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda z, w: diffusion.denoised(z, lambda x, t: w * torch.tanh(x + 0.01 * t), (400, 200, 0)), (z, weight)
    )


def test_a_blend_is_linear_and_one_number_an_image() -> None:
    z, noise, gamma = golden((2, 3, 2, 2), 0.7), golden((2, 3, 2, 2), 1.3), torch.tensor([0.9, 0.25], dtype=torch.float64)
    found = diffusion.blended(z, noise, gamma)
    assert torch.allclose(found[1], 0.25 * z[1] + 0.75 * noise[1])
    assert torch.allclose(diffusion.blended(z[:, :, 0, 0], noise[:, :, 0, 0], gamma), found[:, :, 0, 0])


def test_the_matched_gamma_has_the_ratio_of_signal_to_noise_of_its_time() -> None:
    gamma, signal = diffusion.matched_gamma(400), diffusion.signals()[400]
    assert gamma == pytest.approx(0.33, abs=0.005)
    assert (gamma / (1 - gamma)) ** 2 == pytest.approx(signal / (1 - signal), rel=1e-12)
