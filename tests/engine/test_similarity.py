"""Class similarity, boost and soft labels, against the reference's fixtures and a slow plain computation."""

from __future__ import annotations

import pytest
import torch
from builders import golden
from torch import Tensor
from torch.nn import functional

from engine.soft_labels import similarity

CLASSES = torch.arange(3).repeat_interleave(4)


@pytest.fixture
def a() -> Tensor:
    return similarity.class_similarity(golden((12, 6), 0.7).abs(), CLASSES, 3)


def test_similarity_boost_and_soft_labels_have_the_golden_values(a: Tensor) -> None:
    expected = torch.tensor([[0.7670, 0.8137, 0.8076], [0.8137, 0.7706, 0.8024], [0.8076, 0.8024, 0.7624]])
    assert torch.allclose(a.float(), expected, atol=5e-5)
    q = torch.softmax(similarity.boosted(a, 0.0225), dim=1)
    assert torch.allclose(q[0].float(), torch.tensor([0.3287, 0.3367, 0.3346]), atol=5e-5)
    assert similarity.smallest_boost(a) == pytest.approx(0.0467, abs=5e-5)
    assert similarity.lead(a).argmin() == 0


def test_similarity_is_the_mean_of_pairwise_cosines_without_an_image_and_itself(a: Tensor) -> None:
    e = golden((12, 6), 0.7).abs()
    for i in range(3):
        for j in range(3):
            pairs = [
                functional.cosine_similarity(e[m], e[n], dim=0, eps=1e-8)
                for m in range(12) for n in range(12)
                if CLASSES[m] == i and CLASSES[n] == j and m != n
            ]  # fmt: skip
            assert a[i, j].item() == pytest.approx(torch.stack(pairs).mean().item(), rel=1e-12)


def test_similarity_is_not_the_cosine_of_mean_embeddings(a: Tensor) -> None:
    means = golden((12, 6), 0.7).abs().view(3, 4, 6).mean(dim=1)
    assert abs(functional.cosine_similarity(means[0], means[1], dim=0).item() - a[0, 1].item()) > 0.01


def test_embeddings_may_come_in_any_order_and_in_pieces(a: Tensor) -> None:
    e, order = golden((12, 6), 0.7).abs(), torch.randperm(12, generator=torch.Generator().manual_seed(0))
    collected = similarity.Similarity(3)
    for piece in order.split(5):
        collected.add(e[piece], CLASSES[piece])
    assert torch.allclose(collected.matrix(), a, atol=1e-14)


def test_a_class_with_one_image_is_refused_by_number() -> None:
    with pytest.raises(ValueError, match="class 1 has 1 images"):
        similarity.class_similarity(golden((4, 6), 0.7), torch.tensor([0, 0, 1, 0]), 2)


def test_classes_of_unequal_size_are_weighed_by_pairs() -> None:
    e = golden((5, 3), 0.7).abs()
    y = torch.tensor([0, 0, 1, 1, 1])
    unit = functional.normalize(e, dim=1)
    found = similarity.class_similarity(e, y, 2)
    assert found[0, 1].item() == pytest.approx((unit[:2] @ unit[2:].T).mean().item(), rel=1e-12)


def test_the_automatic_boost_is_on_the_grid_and_ranks_every_class_first(a: Tensor) -> None:
    gamma = similarity.boost(a)
    assert gamma / similarity.GRID == pytest.approx(round(gamma / similarity.GRID))
    assert similarity.smallest_boost(a) < gamma <= similarity.smallest_boost(a) + similarity.GRID
    assert similarity.rows_right(similarity.boosted(a, gamma)) == 3
    assert similarity.rows_right(similarity.boosted(a, gamma - similarity.GRID)) < 3


def test_no_boost_where_every_class_is_first_already() -> None:
    a = torch.eye(4, dtype=torch.float64) + 0.1
    assert (similarity.smallest_boost(a), similarity.boost(a), similarity.rows_right(a)) == (0.0, 0.0, 4)


def test_a_tie_needs_a_boost() -> None:
    a = torch.full((3, 3), 0.5, dtype=torch.float64)
    assert similarity.rows_right(a) == 0
    assert similarity.rows_right(similarity.boosted(a, similarity.boost(a))) == 3


def test_shuffling_keeps_the_diagonal_and_each_rows_values_but_not_their_places() -> None:
    a = golden((6, 6), 0.37)
    mixed = similarity.shuffled(a, torch.Generator().manual_seed(0))
    assert torch.equal(mixed.diagonal(), a.diagonal())
    assert torch.equal(mixed.sort(dim=1).values, a.sort(dim=1).values)
    assert not torch.equal(mixed, a)


def test_rank_correlation_is_one_for_any_rising_function_and_minus_one_for_a_falling_one() -> None:
    a = golden((5, 5), 0.37)
    assert similarity.rank_correlation(a, a.exp() * 3) == pytest.approx(1.0)
    assert similarity.rank_correlation(a, -a) == pytest.approx(-1.0)


def test_rank_correlation_leaves_out_classes_never_seen() -> None:
    a, b = golden((5, 5), 0.37), golden((5, 5), 0.37)
    b[2] = torch.nan
    assert similarity.rank_correlation(a, b) == pytest.approx(1.0)
