"""The autoencoder of ReffAKD: its size, its shapes, and how much of its images it has learned."""

from __future__ import annotations

import pytest
import torch

from engine.soft_labels.autoencoder import Autoencoder, explained, fitted, resize


@pytest.mark.parametrize(("channels", "count"), [(3, 47_355), (1, 46_585)])
def test_it_has_the_published_number_of_parameters(channels: int, count: int) -> None:
    assert sum(p.numel() for p in Autoencoder(channels).parameters()) == count


@pytest.mark.parametrize(("side", "width"), [(8, 48), (32, 768), (64, 3072)])
def test_it_gives_back_the_shape_it_takes_and_a_non_negative_embedding(side: int, width: int) -> None:
    net, x = Autoencoder(3), torch.randn(2, 3, side, side)
    assert net(x).shape == x.shape
    assert net.embed(x).shape == (2, width)
    assert net.embed(x).min() >= 0


def test_the_sigmoid_is_all_that_sets_the_two_outputs_apart() -> None:
    x, linear, squashed = torch.randn(4, 1, 8, 8), Autoencoder(1, "linear"), Autoencoder(1)
    squashed.load_state_dict(linear.state_dict())
    assert torch.equal(squashed(x), linear(x).sigmoid())


@pytest.mark.parametrize(("side", "next_up"), [(8, 8), (9, 16), (28, 32), (32, 32)])
def test_sides_are_brought_to_the_next_multiple_of_eight(side: int, next_up: int) -> None:
    assert fitted(side, side) == (next_up, next_up)
    assert resize(torch.rand(2, 1, side, side), (next_up, next_up)).shape[-1] == next_up


def test_images_that_fit_are_not_touched() -> None:
    x = torch.rand(2, 1, 8, 8)
    assert resize(x, (8, 8)) is x


def test_a_constant_picture_explains_nothing_and_the_best_sigmoid_everything() -> None:
    x = torch.randn(200, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    mean = x.mean(dim=(0, 2, 3), keepdim=True).expand_as(x)
    assert explained(x, mean, "sigmoid") == pytest.approx(0.0, abs=1e-5)
    assert explained(x, x.clamp(0, 1), "sigmoid") == pytest.approx(1.0, abs=1e-5)
    assert explained(x, x, "linear") == pytest.approx(1.0, abs=1e-6)
