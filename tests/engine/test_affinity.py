"""Affinity, CKA and signal-to-noise, against slow plain computations and where the answer is known."""

from __future__ import annotations

import math

import pytest
import torch
from builders import golden
from torch import Tensor
from torch.nn import functional

from engine import affinity


def slow_error(s: Tensor, t: Tensor) -> float:
    squares = []
    for f, g in zip(s, t):
        columns = [[h[:, i, j] for i in range(h.shape[1]) for j in range(h.shape[2])] for h in (f, g)]
        for a, b in zip(*[[(x, y) for x in c for y in c] for c in columns]):
            cosines = [float(x @ y / ((x.norm() + 1e-5) * (y.norm() + 1e-5))) for x, y in (a, b)]
            squares.append((cosines[0] - cosines[1]) ** 2)
    return math.sqrt(sum(squares) / len(squares))


@pytest.mark.parametrize("channels", [(2, 3), (20, 5)], ids=["wide map", "many channels"])
def test_the_affinity_error_is_the_root_mean_square_difference_of_cosines(channels: tuple[int, int]) -> None:
    s, t = golden((2, channels[0], 3, 3), 0.7).abs(), golden((2, channels[1], 3, 3), 1.3)
    assert affinity.affinity_error(s, t).item() == pytest.approx(slow_error(s, t), rel=1e-9)


def test_the_affinity_error_is_that_of_the_affinities() -> None:
    s, t = golden((3, 4, 5, 5), 0.7), golden((3, 6, 5, 5), 1.3)
    direct = (affinity.affinity(s) - affinity.affinity(t)).square().mean().sqrt()
    assert affinity.affinity_error(s, t).item() == pytest.approx(direct.item(), rel=1e-9)


def test_affinity_does_not_change_when_channels_are_rotated_or_scaled() -> None:
    f = golden((2, 4, 5, 5), 0.7)
    turn = torch.linalg.qr(golden((4, 4), 0.9)).Q
    turned = 3 * torch.einsum("cd,bdhw->bchw", turn, f)
    assert affinity.affinity_error(turned, f).item() == pytest.approx(0.0, abs=1e-4)


def test_a_map_of_zeros_has_a_finite_error() -> None:
    assert math.isfinite(affinity.affinity_error(torch.zeros(1, 3, 4, 4), golden((1, 3, 4, 4), 0.7)).item())


def test_a_larger_teacher_map_is_brought_to_the_students_side() -> None:
    s, t = golden((2, 4, 4, 4), 0.7), golden((2, 4, 8, 8), 1.3)
    small = functional.interpolate(t, size=(4, 4), mode="bilinear", align_corners=True)
    assert affinity.affinity_error(s, t).item() == pytest.approx(affinity.affinity_error(s, small).item(), rel=1e-12)


def test_the_error_does_not_depend_on_how_the_batch_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    s, t = golden((7, 4, 6, 6), 0.7), golden((7, 3, 6, 6), 1.3)
    whole = affinity.affinity_error(s, t).item()
    monkeypatch.setattr(affinity, "BYTES", 1)
    assert affinity.affinity_error(s, t).item() == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("samples", [6, 40], ids=["fewer images than features", "more"])
def test_cka_is_one_for_a_rotated_and_scaled_copy_and_small_for_noise(samples: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(samples, 10, generator=generator, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(10, 10, generator=generator, dtype=torch.float64)).Q
    assert affinity.linear_cka(x, 2 * x @ turn + 5).item() == pytest.approx(1.0, rel=1e-9)
    assert affinity.linear_cka(x, torch.randn(samples, 10, generator=generator)).item() < 0.8


def test_cka_has_the_same_value_by_either_product() -> None:
    x, y = golden((9, 9), 0.7), golden((9, 4), 1.3)
    by_features = affinity.linear_cka(x, y).item()
    by_images = affinity.linear_cka(torch.cat((x, torch.zeros(9, 5)), 1), y).item()
    assert by_features == pytest.approx(by_images, rel=1e-9)


def test_cka_of_a_constant_is_zero() -> None:
    assert affinity.linear_cka(torch.ones(5, 3), golden((5, 3), 0.7)).item() == 0.0


def test_signal_to_noise_is_the_ratio_of_variances_in_decibel() -> None:
    generator = torch.Generator().manual_seed(0)
    signal = 10 * torch.randn(1, 2000, 4, generator=generator)
    views = signal + torch.randn(8, 2000, 4, generator=generator)
    assert affinity.signal_to_noise(views) == pytest.approx(10 * math.log10(100 / (7 / 8)), abs=0.3)


def test_features_that_augmentation_does_not_change_have_infinite_signal_to_noise() -> None:
    assert affinity.signal_to_noise(golden((5, 3), 0.7).expand(8, 5, 3)) > 100


def test_pooling_keeps_features_and_averages_maps() -> None:
    f = golden((2, 3, 8, 8), 0.7)
    assert affinity.pooled(f, 4).shape == (2, 48)
    assert affinity.pooled(f, 16).shape == (2, 192)
    assert torch.equal(affinity.pooled(f.mean(dim=(2, 3)), 4), f.mean(dim=(2, 3)))
