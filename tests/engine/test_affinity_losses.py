"""The affinity losses against their definitions: exactly, where they nearly vanish, by projections, and in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from builders import golden
from torch import Tensor

from engine import affinity
from engine.affinity import sums as affinity_sums
from engine.bench.affinity import extra_bytes

CPU = torch.device("cpu")
Loss = Callable[[Tensor, Tensor], Tensor]
SQUARES = {"channels": affinity_sums.squares_by_channels, "places": affinity_sums.squares_by_places}
SHAPES = {"equal channels": (5, 5), "wider teacher": (3, 7), "narrower teacher": (6, 2)}
every_shape = pytest.mark.parametrize("channels", SHAPES.values(), ids=SHAPES.keys())
every_way = pytest.mark.parametrize("way", SQUARES.values(), ids=SQUARES.keys())


def maps(channels: tuple[int, int], side: int = 4, images: int = 2) -> tuple[Tensor, Tensor]:
    """Float64 maps of student and teacher; one column of the student's is 0."""
    s, t = golden((images, channels[0], side, side), 0.7), golden((images, channels[1], side, side), 1.3)
    s[0, :, 1, 2] = 0.0
    return s, t


def plain(s: Tensor, t: Tensor) -> list[list[list[float]]]:
    """Δ of each image, entry by entry."""
    found = []
    for f, g in zip(s, t):
        columns = [[m[:, i, j] for i in range(m.shape[1]) for j in range(m.shape[2])] for m in (f, g)]
        own, other = ([[float(a @ b / ((a.norm() + 1e-5) * (b.norm() + 1e-5))) for b in c] for a in c] for c in columns)
        found.append([[x - y for x, y in zip(*rows)] for rows in zip(own, other)])
    return found


def differences(s: Tensor, t: Tensor) -> Tensor:
    """Δ as the loss defines it, (B, P, P)."""
    return affinity.affinity(s) - affinity.affinity(t)


@every_shape
def test_both_forms_sum_what_every_two_places_differ_by(channels: tuple[int, int]) -> None:
    s, t = maps(channels)
    squares = [sum(d * d for row in delta for d in row) for delta in plain(s, t)]
    absolutes = [sum(abs(d) for row in delta for d in row) for delta in plain(s, t)]
    assert affinity.squared(s, t).tolist() == pytest.approx(squares, rel=1e-9)
    assert affinity.absolute(s, t).tolist() == pytest.approx(absolutes, rel=1e-9)


@every_shape
@every_way
def test_the_squared_loss_is_the_same_by_either_way(channels: tuple[int, int], way: affinity_sums.Exact) -> None:
    s, t = maps(channels)
    expected = differences(s, t).square().sum(dim=(1, 2))
    assert affinity_sums.exactly(s, t, way).tolist() == pytest.approx(expected.tolist(), rel=1e-9)


@every_shape
@pytest.mark.parametrize("way", [*SQUARES.values(), affinity_sums.absolutes_by_places], ids=[*SQUARES, "absolute"])
def test_gradients_at_both_maps_are_the_derivative(channels: tuple[int, int], way: affinity_sums.Exact) -> None:
    s, t = (golden((2, c, 3, 2), step).requires_grad_() for c, step in zip(channels, (0.7, 1.3)))
    assert torch.autograd.gradcheck(lambda a, b: affinity_sums.exactly(a, b, way), (s, t), eps=1e-7, atol=1e-5)
    assert torch.autograd.gradcheck(lambda a: affinity_sums.exactly(a, t.detach(), way), (s,), eps=1e-7, atol=1e-5)


@every_way
def test_a_place_where_nothing_is_active_has_the_gradient_that_autograd_gives_it(way: affinity_sums.Exact) -> None:
    s, t = maps((4, 4))
    s.requires_grad_()
    (ours,) = torch.autograd.grad(affinity_sums.exactly(s, t, way).sum(), s)
    (theirs,) = torch.autograd.grad(differences(s, t).square().sum(), s)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def nearly_alike(c_s: int, c_t: int, side: int, rotated: bool, distance: float) -> tuple[Tensor, Tensor]:
    """Float32 maps whose affinities differ by about `distance` relative to their norm."""
    generator = torch.Generator().manual_seed(c_s + side)
    few = torch.randn(3, min(c_s, c_t), side, side, generator=generator, dtype=torch.float64).relu() + 0.05

    def spread(channels: int) -> Tensor:
        square = torch.randn(channels, few.shape[1], generator=generator, dtype=torch.float64)
        turn = torch.linalg.qr(square).Q if rotated else torch.eye(channels, few.shape[1], dtype=torch.float64)
        return torch.einsum("cd,bdhw->bchw", turn, few)

    s, t = spread(c_s), spread(c_t)
    noise = torch.randn(s.shape, generator=generator, dtype=torch.float64) * s.square().mean().sqrt()
    return (s + distance * noise).float(), t.float()


@pytest.mark.parametrize("distance", [1e-5, 1e-2], ids=["nearly alike", "a hundredth apart"])
@pytest.mark.parametrize("rotated", [False, True], ids=["same channels", "mixed channels"])
@pytest.mark.parametrize("shape", [(3, 3, 16), (16, 16, 24), (64, 64, 16), (12, 20, 16), (40, 24, 12)], ids=str)
def test_value_and_gradient_hold_in_float32_where_the_large_terms_cancel(
    shape: tuple[int, int, int], rotated: bool, distance: float
) -> None:
    f_s, f_t = nearly_alike(*shape, rotated, distance)
    f_s.requires_grad_()
    f_t.requires_grad_()
    s, t = affinity.directions(f_s), affinity.directions(f_t)
    wide = [u.detach().double().requires_grad_() for u in (s, t)]
    own, other = (u.transpose(1, 2) @ u for u in wide)
    squares = (own - other).square().sum(dim=(1, 2))
    assert (squares.sqrt() / other.flatten(1).norm(dim=1)).max().item() < 6 * distance
    pulls = torch.autograd.grad(squares.sum(), wide)
    expected = torch.autograd.grad((s, t), (f_s, f_t), [p.float() for p in pulls])
    found = affinity_sums.exactly(f_s, f_t, affinity_sums.squares_by_channels)
    gradients = torch.autograd.grad(found.sum(), (f_s, f_t))
    assert ((found.double() - squares).abs() / squares).max().item() < 1e-6
    for ours, theirs in zip(gradients, expected):
        assert ((ours - theirs).norm() / theirs.norm()).item() < 2e-6


def test_maps_that_agree_have_no_loss_and_no_gradient() -> None:
    f = golden((2, 5, 6, 6), 0.7).requires_grad_()
    for loss in (affinity.squared, affinity.absolute):
        value = loss(f, f.detach())
        assert value.tolist() == [0.0, 0.0]
        assert torch.autograd.grad(value.sum(), f)[0].abs().max().item() < 1e-12


@pytest.mark.parametrize("loss", [affinity.squared, affinity.absolute])
def test_neither_form_sees_how_strong_a_place_is_or_in_which_channels(loss: Loss) -> None:
    f = 1e5 * golden((2, 5, 6, 6), 0.7)  # so strong that ε does not count
    turn = torch.linalg.qr(golden((5, 5), 0.9)).Q
    stronger = golden((2, 1, 6, 6), 0.4).abs() + 1
    turned = stronger * torch.einsum("cd,bdhw->bchw", turn, f)
    z = torch.randn(36, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert loss(turned, f).max().item() == pytest.approx(0.0, abs=1e-6)
    assert affinity.squared_estimate(turned, f, z).max().item() == pytest.approx(0.0, abs=1e-12)
    assert affinity.absolute_estimate(turned, f, z).max().item() == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("projections", [1, 5])
def test_the_estimate_is_right_on_average_and_as_rough_as_it_is_proved_to_be(projections: int) -> None:
    draws = 10_000
    s, t = maps((3, 5), images=1)
    delta = differences(s, t)[0]
    exact, spread = delta.square().sum().item(), 2 / projections * torch.linalg.matrix_power(delta, 4).trace().item()
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(draws, 16, projections, generator=generator, dtype=torch.float64)
    many = s.expand(draws, *s.shape[1:]), t.expand(draws, *t.shape[1:])
    found = affinity.squared_estimate(*many, z)
    assert found.mean().item() == pytest.approx(exact, abs=5 * math.sqrt(spread / draws))
    assert found.var().item() == pytest.approx(spread, rel=0.2)


def test_the_estimate_of_the_released_form_is_one_of_row_norms() -> None:
    draws = 10_000
    s, t = maps((3, 5), images=1)
    rows = affinity.row_norms(s, t)
    assert rows[0].tolist() == pytest.approx(differences(s, t)[0].norm(dim=1).tolist(), rel=1e-9)
    z = torch.randn(draws, 16, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = affinity.absolute_estimate(s.expand(draws, *s.shape[1:]), t.expand(draws, *t.shape[1:]), z)
    error = found.std().item() / math.sqrt(draws)
    assert found.mean().item() == pytest.approx(math.sqrt(2 / math.pi) * rows.sum().item(), abs=5 * error)


def test_estimates_are_the_definition_with_delta_formed() -> None:
    s, t = maps((4, 6))
    z = golden((16, 3), 0.3)
    projected = differences(s, t) @ z
    assert affinity.squared_estimate(s, t, z).tolist() == pytest.approx(
        projected.square().sum((1, 2)).div(3).tolist(), rel=1e-9
    )
    assert affinity.absolute_estimate(s, t, z).tolist() == pytest.approx(projected.abs().sum((1, 2)).div(3).tolist(), rel=1e-9)


def test_the_gradient_of_an_estimate_is_finite_where_nothing_is_active() -> None:
    s, t = (f.float() for f in maps((4, 6)))
    s.requires_grad_()
    value = affinity.squared_estimate(s, t, golden((16, 3), 0.3).float()).sum()
    assert torch.isfinite(torch.autograd.grad(value, s)[0]).all()


def test_three_quarters_of_the_channels_are_as_many_projections_as_the_exact_loss_is_worth() -> None:
    assert affinity.cost_of_estimate(16, 16, 12) == pytest.approx(1.0)
    assert affinity.cost_of_estimate(64, 64, 15) < 1 < affinity.cost_of_estimate(16, 16, 15)


@pytest.mark.parametrize("loss", [affinity.squared, affinity.absolute])
def test_neither_value_nor_gradient_depends_on_how_the_work_is_cut(loss: Loss, monkeypatch: pytest.MonkeyPatch) -> None:
    s, t = maps((3, 4), side=6, images=5)
    s.requires_grad_()
    whole = loss(s, t)
    gradient = torch.autograd.grad(whole.sum(), s)[0]
    for chunk in (1, 40, 300):
        monkeypatch.setitem(affinity_sums.CHUNK, "cpu", chunk)
        cut = loss(s, t)
        torch.testing.assert_close(cut, whole, rtol=1e-12, atol=0)
        torch.testing.assert_close(torch.autograd.grad(cut.sum(), s)[0], gradient, rtol=1e-9, atol=1e-12)


def test_channels_last_maps_give_the_same() -> None:
    s, t = (f.float() for f in maps((4, 4), side=6))
    other = s.to(memory_format=torch.channels_last).requires_grad_()
    s.requires_grad_()
    values = [affinity.squared(f, t) for f in (s, other)]
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*(torch.autograd.grad(v.sum(), f)[0] for v, f in zip(values, (s, other))))


@pytest.mark.parametrize("loss", [affinity.squared, affinity.absolute])
def test_the_exact_losses_take_far_less_memory_than_one_matrix_of_places(loss: Loss) -> None:
    f_s, f_t = (torch.randn(2, 8, 48, 48, generator=torch.Generator().manual_seed(n)) for n in (0, 1))
    f_s.requires_grad_()
    matrix = 2 * 48**4 * 4
    assert extra_bytes(lambda: torch.autograd.grad(loss(f_s, f_t).sum(), f_s), CPU) < matrix / 8


def test_maps_of_two_sizes_are_refused_and_a_teachers_can_be_brought_to_the_students() -> None:
    s, t = golden((2, 3, 4, 4), 0.7), golden((2, 3, 8, 8), 1.3)
    with pytest.raises(ValueError, match="maps of one size are compared"):
        affinity.squared(s, t)
    small = torch.nn.functional.interpolate(t, size=(4, 4), mode="bilinear", align_corners=True)
    assert torch.equal(affinity.squared(s, affinity.resized(t, s)), affinity.squared(s, small))
    assert affinity.resized(s, s) is s
