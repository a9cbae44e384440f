"""What letKD's layers learn, against plain loops: assignments, divergences, decisions, and the vectors behind them."""

from __future__ import annotations

import pytest
import torch
from builders import golden
from torch import Tensor

from engine.templates import Decisions, assignments, bars, decision_matrix, directions, own_sub_class, template_loss
from engine.templates.vectors import fitting, resized, spread


def exact(value: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(value, expected, rtol=1e-9, atol=1e-12)


def plain_assignments(z: Tensor, rho: Tensor, tau: float) -> Tensor:
    rows = []
    for vector in z:
        weights = torch.stack([torch.exp(-tau * (vector - r).square().sum()) for r in rho])
        rows.append(weights / weights.sum())
    return torch.stack(rows)


@pytest.mark.parametrize("tau", [1.0, 0.3])
def test_the_teachers_assignments_are_a_softmax_of_minus_squared_distances(tau: float) -> None:
    z, rho = golden((6, 4), 0.8, 2.0), golden((5, 4), 1.1, 2.0)
    found = assignments(z, rho, tau)
    exact(found, plain_assignments(z, rho, tau))
    exact(found.sum(1), torch.ones(6, dtype=torch.float64))


def test_the_loss_is_the_mean_divergence_from_the_targets_and_0_where_they_agree() -> None:
    scores, target = golden((6, 5), 0.9, 2.0), torch.softmax(golden((6, 5), 1.9), 1)
    target[0] = torch.tensor([0.0, 0.5, 0.5, 0.0, 0.0])
    q = torch.softmax(scores, 1)
    each = [sum(p * (p / s).log() for p, s in zip(ps, ss) if p > 0) for ps, ss in zip(target, q)]
    exact(template_loss(scores, target), torch.stack(each).mean())  # type: ignore[arg-type]
    exact(template_loss(scores, q), torch.zeros((), dtype=torch.float64))


def test_a_sub_class_is_one_of_the_images_own_class() -> None:
    generator = torch.Generator().manual_seed(0)
    u, y = torch.randn(200, 3, generator=generator), torch.randint(4, (200,), generator=generator)
    centroids = torch.randn(4, 6, 3, generator=generator)
    own = own_sub_class(u, y, centroids)
    assert torch.equal(own // 6, y)
    for vector, c, s in zip(u, y, own):
        assert s % 6 == (vector - centroids[c]).square().sum(1).argmin()


def test_the_decision_matrix_counts_and_every_row_sums_to_1() -> None:
    own, free = torch.tensor([0, 0, 0, 0, 2, 2]), torch.tensor([0, 1, 1, 3, 2, 0])
    expected = torch.tensor([[0.25, 0.5, 0, 0.25], [0, 1, 0, 0], [0.5, 0, 0.5, 0], [0, 0, 0, 1]])
    assert torch.equal(decision_matrix(own, free, 4), expected)


def test_decisions_are_settled_as_a_plain_loop_would() -> None:
    generator = torch.Generator().manual_seed(0)
    u, y = torch.randn(300, 3, generator=generator), torch.randint(4, (300,), generator=generator)
    found = Decisions(4, 2, 5, 3)
    found.centroids.copy_(torch.randn(4, 2, 3, generator=generator))
    own, free = found.settle(u, y)
    h1 = [int(c) * 2 + int((v - found.centroids[c]).square().sum(1).argmin()) for v, c in zip(u, y)]
    prototypes = torch.stack([u[torch.tensor([h == s for h in h1])].mean(0) for s in range(8)])
    h2 = [int((v - prototypes).square().sum(1).argmin()) for v in u]
    matrix = torch.zeros(8, 8)
    for s, d in zip(h1, h2):
        matrix[s, d] += 1
    assert own.tolist() == h1 and free.tolist() == h2
    torch.testing.assert_close(found.prototypes, prototypes)
    torch.testing.assert_close(found.matrix, matrix / matrix.sum(1, keepdim=True))
    torch.testing.assert_close(found.matrix.sum(1), torch.ones(8))


def test_as_many_directions_are_kept_as_the_paper_has() -> None:
    assert [directions(64, 100, "auto"), directions(64, 10, "auto"), directions(2048, 100, "auto")] == [60, 8, 60]
    assert [directions(64, 100, 30), directions(64, 10, 30), directions(64, 2, "auto")] == [30, 9, 1]


def test_bars_hold_every_template_once() -> None:
    use = torch.rand(150, generator=torch.Generator().manual_seed(0))
    shown = bars(use, use.argsort(descending=True))
    assert shown.shape == (50,) and shown.sum().item() == pytest.approx(use.sum().item())
    assert (shown.diff() <= 0).all()
    assert bars(use[:10], torch.arange(10)).equal(use[:10])


def test_the_teachers_larger_map_is_averaged_and_each_place_of_a_smaller_one_repeated() -> None:
    z = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert resized(z, (2, 2)).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert resized(z[:, :, :2, :2], (4, 4))[0, 0].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [4, 4, 5, 5], [4, 4, 5, 5]]
    assert resized(z, (4, 4)) is z


def test_vectors_are_kept_as_precisely_as_the_budget_allows() -> None:
    assert fitting(1000, 64, "all", 256_000) == (1000, torch.float32)
    assert fitting(1000, 64, "all", 255_999) == (1000, torch.float16)
    assert fitting(1000, 64, "all", 64_000) == (500, torch.float16)
    assert fitting(1000, 64, 100, 256_000) == (100, torch.float32)
    assert fitting(1000, 64, 5000, 256_000) == (1000, torch.float32)


@pytest.mark.parametrize("count", [1, 7, 60, 99, 100])
def test_drawn_positions_are_different_rising_and_spread(count: int) -> None:
    drawn = spread(100, count, torch.Generator().manual_seed(0))
    assert len(drawn) == count and (drawn.diff() > 0).all() and drawn.min() >= 0 and drawn.max() < 100
    assert all(bool((drawn[i] >= i * 100 // count) & (drawn[i] < (i + 1) * 100 // count)) for i in range(count))
