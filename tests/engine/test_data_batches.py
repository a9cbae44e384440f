"""Order and augmentation: keyed by (seed, epoch, index), right to the pixel, the same in any batch."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from engine.data.batches import Views, cropped, mirrored, order, reflection, rotated
from engine.experiment import DatasetSettings

KINDS = {
    "zero crop": {"crop": 3},
    "reflected crop": {"crop": 3, "crop_fill": "reflect"},
    "flip": {"flip": True},
    "rotation": {"rotation": 30.0},
    "everything": {"crop": 2, "flip": True, "rotation": 15.0, "crop_fill": "reflect"},
}
SAMPLES = 40


def images(side: int = 10, channels: int = 3, count: int = SAMPLES) -> Tensor:
    return torch.randint(256, (count, channels, side, side), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def views(seed: int = 0, **settings) -> Views:
    return Views(DatasetSettings(**settings), SAMPLES, seed, "cpu")


def test_the_order_of_an_epoch_is_a_permutation_keyed_by_seed_and_epoch() -> None:
    assert sorted(order(100, 0, 1).tolist()) == list(range(100))
    assert torch.equal(order(100, 0, 1), order(100, 0, 1))
    assert not torch.equal(order(100, 0, 1), order(100, 0, 2))
    assert not torch.equal(order(100, 0, 1), order(100, 1, 1))


def test_with_everything_off_a_view_is_the_image() -> None:
    x = images()
    assert torch.equal(views().at(x, torch.arange(SAMPLES), 1), x / 255)


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_depends_on_seed_epoch_and_image_and_not_on_its_batch(kind: str) -> None:
    x, all_of_them = images(), torch.arange(SAMPLES)
    made = views(**KINDS[kind])
    whole = made.at(x, all_of_them, 3)
    some = torch.tensor([7, 31, 7, 2])
    assert torch.equal(views(**KINDS[kind]).at(x[some], some, 3), whole[some])
    made.at(x, all_of_them, 4)
    assert torch.equal(made.at(x, all_of_them, 3), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_views_differ_between_epochs_seeds_and_images(kind: str) -> None:
    x, index = images(count=1).expand(SAMPLES, -1, -1, -1).contiguous(), torch.arange(SAMPLES)
    whole = views(**KINDS[kind]).at(x, index, 1)
    assert not torch.equal(whole, views(**KINDS[kind]).at(x, index, 2))
    assert not torch.equal(whole, views(1, **KINDS[kind]).at(x, index, 1))
    assert len({tuple(v.flatten().tolist()) for v in whole}) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_views_are_floats_in_the_unit_range_and_leave_the_images_alone(kind: str) -> None:
    x = images()
    before = x.clone()
    made = views(**KINDS[kind]).at(x, torch.arange(SAMPLES), 1)
    assert made.dtype == torch.float32
    assert made.shape == x.shape
    assert made.min() >= 0
    assert made.max() <= 1
    assert torch.equal(x, before)


def test_switching_one_kind_on_leaves_the_chance_of_the_others() -> None:
    x, index = images(), torch.arange(SAMPLES)
    both = views(crop=2, flip=True)._drawn(1)
    assert torch.equal(both.corner, views(crop=2)._drawn(1).corner)
    assert torch.equal(both.mirrored, views(flip=True)._drawn(1).mirrored)
    assert views(crop=2, flip=True).at(x, index, 1).shape == x.shape


def test_every_shift_and_both_sides_are_drawn_about_equally_often() -> None:
    made = Views(DatasetSettings(crop=1, flip=True), 9000, 0, "cpu")._drawn(1)
    assert all(900 < n < 1100 for n in torch.bincount(made.corner[0] * 3 + made.corner[1]).tolist())
    assert made.corner.unique(dim=1).shape[1] == 9
    assert 4200 < int(made.mirrored.sum()) < 4800


@given(st.integers(1, 9), st.integers(1, 6), st.integers(1, 3), st.integers(0, 99), st.booleans())
def test_crops_are_windows_of_the_padded_images(padding: int, side: int, channels: int, seed: int, fold: bool) -> None:
    chance = torch.Generator().manual_seed(seed)
    x = torch.randint(256, (5, channels, side, side + 1), generator=chance, dtype=torch.uint8)
    top, left = torch.randint(2 * padding + 1, (2, 5), generator=chance)
    padded = reflection(x, padding) if fold else F.pad(x, (padding,) * 4)
    windows = [p[:, t : t + side, a : a + side + 1] for p, t, a in zip(padded, top.tolist(), left.tolist())]
    assert torch.equal(cropped(x, top * (side + 1 + 2 * padding) + left, padding, fold), torch.stack(windows))


def test_reflection_is_that_of_torch_and_goes_on_where_torch_stops() -> None:
    x = images(side=6)
    assert torch.equal(reflection(x, 3).float(), F.pad(x.float(), (3,) * 4, mode="reflect"))
    line = torch.tensor([[[[1, 2, 3]]]], dtype=torch.uint8)
    assert reflection(line, 5)[0, 0, 0].tolist() == [2, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2]


def test_cropping_takes_channels_last_images_too() -> None:
    x = images()
    corner = torch.arange(SAMPLES) % 5
    assert torch.equal(cropped(x.to(memory_format=torch.channels_last), corner, 2, False), cropped(x, corner, 2, False))


def test_mirroring_is_exact_for_every_pair_of_grey_levels() -> None:
    levels = torch.arange(256, dtype=torch.uint8)
    x = torch.stack((levels.repeat_interleave(256), levels.repeat(256)), -1).view(-1, 1, 1, 2)
    assert torch.equal(mirrored(x, torch.ones(len(x), dtype=torch.uint8)), x.flip(-1))
    assert torch.equal(mirrored(x, torch.zeros(len(x), dtype=torch.uint8)), x)


def test_a_quarter_turn_is_counter_clockwise() -> None:
    x = torch.rand(2, 3, 7, 7, generator=torch.Generator().manual_seed(0))
    turned = rotated(x, torch.tensor([torch.pi / 2, torch.pi]))
    torch.testing.assert_close(turned[0], x[0].rot90(1, (1, 2)), atol=1e-5, rtol=0)
    torch.testing.assert_close(turned[1], x[1].rot90(2, (1, 2)), atol=1e-5, rtol=0)


def test_rotation_is_that_of_affine_grid_also_for_oblong_images() -> None:
    x = torch.rand(3, 1, 6, 10, generator=torch.Generator().manual_seed(0))
    angle = torch.tensor([0.3, -1.0, 2.0])
    cos, sin, none = angle.cos(), angle.sin(), torch.zeros(3)
    theta = torch.stack((cos, -sin * 6 / 10, none, sin * 10 / 6, cos, none), 1).view(3, 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    torch.testing.assert_close(rotated(x, angle), F.grid_sample(x, grid, align_corners=False), atol=1e-5, rtol=0)


def test_angles_stay_within_the_bound() -> None:
    angle = views(rotation=15.0)._drawn(1).angle.rad2deg()
    assert angle.abs().max() <= 15
    assert angle.min() < -5
    assert angle.max() > 5


@pytest.mark.parametrize("kind", KINDS)
def test_views_on_a_gpu_are_those_of_the_cpu(kind: str) -> None:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no CUDA device")
    x, index = images(), torch.arange(SAMPLES)
    there = Views(DatasetSettings(**KINDS[kind]), SAMPLES, 0, "cuda").at(x.cuda(), index.cuda(), 1)
    torch.testing.assert_close(there.cpu(), views(**KINDS[kind]).at(x, index, 1), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("settings", "distinct"), [
    ({}, 1), ({"flip": True}, 2), ({"crop": 4, "flip": True}, 162), ({"rotation": 5.0}, 0), ({"rotation": 5.0, "views": 3}, 3),
])  # fmt: skip
def test_the_views_of_an_image_are_counted_and_numbered(settings: dict, distinct: int) -> None:
    made, index = views(**settings), torch.arange(SAMPLES)
    assert made.distinct == distinct
    if distinct:
        keys = made.keys(index, 1)
        assert torch.equal(keys // distinct, index)


def test_two_views_of_an_image_have_one_number_exactly_where_they_are_equal() -> None:
    x, index, made = (
        images(count=1).expand(SAMPLES, -1, -1, -1).contiguous(),
        torch.zeros(SAMPLES).long(),
        views(crop=2, flip=True),
    )
    of = {
        int(k): v
        for e in (1, 2, 3)
        for k, v in zip(made.keys(torch.arange(SAMPLES), e) % 50, made.at(x, torch.arange(SAMPLES), e))
    }
    again = views(seed=5, crop=2, flip=True)
    shared = 0
    for key, view in zip(again.keys(torch.arange(SAMPLES), 1) % 50, again.at(x, torch.arange(SAMPLES), 1)):
        if int(key) in of:
            assert torch.equal(of[int(key)], view)
            shared += 1
        assert all(not torch.equal(view, other) for number, other in of.items() if number != int(key))
    assert shared > 10 and not index.any()


def test_a_number_of_views_comes_round_again_and_is_new_until_then() -> None:
    x, index, made = images(), torch.arange(SAMPLES), views(crop=3, flip=True, rotation=10.0, views=3)
    epochs = [made.at(x, index, e) for e in range(1, 8)]
    assert all(torch.equal(epochs[e], epochs[e + 3]) for e in range(4))
    assert not torch.equal(epochs[0], epochs[1]) and not torch.equal(epochs[1], epochs[2])
    assert torch.equal(made.keys(index, 2), made.keys(index, 5)) and not torch.equal(made.keys(index, 2), made.keys(index, 3))
