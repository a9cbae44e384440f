"""Directions, ways back and least squares, against plain computations on data made for them."""

from __future__ import annotations

import pytest
import torch
from builders import golden
from torch import Tensor

from engine import linear_maps


@pytest.fixture
def x() -> Tensor:
    """(400, 6): three directions of variance 9, 4 and 1 under a rotation, and three that are all but empty."""
    generator = torch.Generator().manual_seed(0)
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64)).Q
    scale = torch.tensor([3.0, 2.0, 1.0, 1e-6, 1e-6, 0.0], dtype=torch.float64)
    return 5.0 + (scale * torch.randn(400, 6, generator=generator, dtype=torch.float64)) @ rotation.T


def moments(x: Tensor) -> linear_maps.Moments:
    found = linear_maps.Moments()
    for part in x.split(150):
        found.add(part)
    return found


def test_moments_of_batches_are_those_of_the_whole(x: Tensor) -> None:
    found = moments(x)
    assert torch.allclose(found.mean, x.mean(dim=0))
    assert torch.allclose(found.covariance, torch.cov(x.T, correction=0))


def test_every_place_of_a_map_is_a_sample() -> None:
    f = golden((2, 3, 4, 5), 0.7)
    assert torch.equal(linear_maps.places(f)[4 * 5 + 7], f[1, :, 1, 2])


def test_principal_directions_are_those_of_the_singular_values_largest_first(x: Tensor) -> None:
    found = linear_maps.principal(moments(x).covariance, 3)
    _, _, plain = torch.linalg.svd(x - x.mean(dim=0))
    assert torch.allclose((found * plain[:3]).sum(dim=1).abs(), torch.ones(3, dtype=torch.float64))


def test_random_directions_are_orthonormal_and_repeat_with_their_generator() -> None:
    one, two = (linear_maps.random_directions(6, 4, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.allclose(one @ one.T, torch.eye(4, dtype=torch.float64))
    assert torch.equal(one, two)


def test_whitened_directions_see_unit_variance_and_leave_empty_ones_alone(x: Tensor) -> None:
    covariance = moments(x).covariance
    encode = linear_maps.whitened(covariance, linear_maps.principal(covariance, 5))
    variance = ((x - x.mean(dim=0)) @ encode.T).var(dim=0, correction=0)
    assert torch.allclose(variance[:3], torch.ones(3, dtype=torch.float64))
    assert (variance[3:] < 1e-6).all()


@pytest.mark.parametrize("count", [1, 3])
def test_the_way_back_from_principal_directions_keeps_their_variance(x: Tensor, count: int) -> None:
    covariance = moments(x).covariance
    encode = linear_maps.whitened(covariance, linear_maps.principal(covariance, count))
    again = (x - x.mean(dim=0)) @ encode.T @ linear_maps.way_back(covariance, encode).T + x.mean(dim=0)
    values = torch.linalg.eigvalsh(covariance).flip(0)
    assert linear_maps.explained(x, again).item() == pytest.approx((values[:count].sum() / values.sum()).item(), abs=1e-5)


def test_no_way_back_from_random_directions_beats_least_squares(x: Tensor) -> None:
    covariance, mean = moments(x).covariance, x.mean(dim=0)
    encode = linear_maps.whitened(covariance, linear_maps.random_directions(6, 2, torch.Generator().manual_seed(0)))
    z = (x - mean) @ encode.T
    found = linear_maps.way_back(covariance, encode)
    assert torch.allclose(found, torch.linalg.lstsq(z, x - mean).solution.T, atol=1e-4)


def test_features_without_any_variance_are_taken_as_they_are() -> None:
    covariance = torch.zeros(3, 3, dtype=torch.float64)
    encode = linear_maps.whitened(covariance, torch.eye(3, dtype=torch.float64)[:2])
    assert torch.isfinite(encode).all() and torch.isfinite(linear_maps.way_back(covariance, encode)).all()


def test_explained_is_one_for_a_copy_and_nothing_for_the_mean(x: Tensor) -> None:
    assert linear_maps.explained(x, x) == 1.0
    assert linear_maps.explained(x, x.mean(dim=0).expand_as(x)).abs() < 1e-12


def test_the_error_of_the_best_linear_map_is_what_no_linear_map_explains() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4000, 5, generator=generator, dtype=torch.float64)
    noise = 0.3 * torch.randn(4000, 2, generator=generator, dtype=torch.float64)
    y = x @ golden((5, 2), 0.7) + 2.0 + noise
    assert linear_maps.linear_error(x, y).item() == pytest.approx(0.09, rel=0.05)
    assert linear_maps.linear_error(x, y - noise) < 1e-10


def test_the_gain_tells_what_is_beyond_a_linear_map_from_what_is_one() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4000, 3, generator=generator, dtype=torch.float64)
    y = x.abs()
    assert linear_maps.gain_over_linear(y, x, y) == 1.0
    assert linear_maps.gain_over_linear(0.5 * y, x, y) > 0.02
    assert linear_maps.gain_over_linear(y.mean(dim=0).expand_as(y), x, y).abs() < 0.02
    assert linear_maps.gain_over_linear(torch.zeros_like(y), x, y) < -0.5
