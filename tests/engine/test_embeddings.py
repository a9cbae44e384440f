"""Nearest neighbours and effective rank, where the answer is known."""

from __future__ import annotations

import pytest
import torch

from engine import embeddings


def test_neighbours_of_two_separate_clouds_are_of_their_own_class() -> None:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(2).repeat_interleave(700)
    e = torch.nn.functional.one_hot(y, 8).float() + 0.05 * torch.rand(1400, 8, generator=generator)
    assert embeddings.neighbour_accuracy(e, y) == 100.0


def test_an_image_is_not_its_own_neighbour() -> None:
    e = torch.eye(4)
    assert embeddings.neighbour_accuracy(e, torch.tensor([0, 1, 1, 1]), k=1) < 100.0


def test_neighbours_of_noise_are_right_by_chance() -> None:
    generator = torch.Generator().manual_seed(0)
    e, y = torch.randn(600, 16, generator=generator), torch.randint(0, 4, (600,), generator=generator)
    assert 15 < embeddings.neighbour_accuracy(e, y) < 35


@pytest.mark.parametrize("samples", [50, 3000])
def test_effective_rank_counts_equal_directions(samples: int) -> None:
    signs = torch.tensor([[1.0, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])[:, 1:]
    e = torch.zeros(samples // 4 * 4, 100)
    e[:, :3] = signs.repeat(samples // 4, 1)
    assert embeddings.effective_rank(e) == pytest.approx(3.0, rel=1e-6)
