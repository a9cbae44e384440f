"""Resized crops: windows of the ranges they promise, enlarged without moving anything, keyed as every other view."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.data.batches import Views, enlarged, windows
from engine.experiment import DatasetSettings


def drawn(count: int = 5000, smallest: float = 0.08) -> Tensor:
    return windows(count, smallest, torch.Generator().manual_seed(0))


def ramps(side: int = 16) -> Tensor:
    """(1, 2, side, side): the position of each pixel's centre in shares of the image, across and down."""
    centres = (torch.arange(side) + 0.5) / side
    return torch.stack((centres.expand(side, side), centres[:, None].expand(side, side)))[None]


def test_windows_lie_in_the_image_and_keep_to_area_and_aspect() -> None:
    left, top, width, height = drawn().unbind(1)
    assert min(left.min(), top.min()) >= 0
    assert max((left + width).max(), (top + height).max()) <= 1 + 1e-6
    area, aspect = width * height, width / height
    assert area.min() >= 0.08 * 3 / 4
    assert area.mean() == pytest.approx((1 + 0.08) / 2, abs=0.03)
    assert aspect.log().abs().max() <= math.log(4 / 3) + 1e-5
    free = (width < 1) & (height < 1)
    assert area[free].min() >= 0.08 - 1e-6
    assert aspect[free].log().mean().abs() < 0.01


def test_windows_reach_every_corner() -> None:
    found = drawn(smallest=0.2)
    left, top, width, height = found[(found[:, 2] < 0.9) & (found[:, 3] < 0.9)].unbind(1)
    across, down = left / (1 - width), top / (1 - height)
    assert max(across.min(), down.min()) < 0.01
    assert min(across.max(), down.max()) > 0.99
    assert torch.corrcoef(torch.stack((across, down)))[0, 1].abs() < 0.05


def test_an_enlarged_window_shows_what_lies_in_it() -> None:
    window = torch.tensor([[0.25, 0.5, 0.5, 0.25]])
    across, down = enlarged(ramps(), window)[0]
    centres = (torch.arange(16) + 0.5) / 16
    torch.testing.assert_close(across, (0.25 + 0.5 * centres).expand(16, 16), atol=1e-5, rtol=0)
    torch.testing.assert_close(down, (0.5 + 0.25 * centres)[:, None].expand(16, 16), atol=1e-5, rtol=0)


def test_the_whole_image_is_left_as_it_is() -> None:
    x = torch.rand(3, 3, 9, 9, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(enlarged(x, torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(3, -1)), x, atol=1e-5, rtol=0)


def test_a_window_of_whole_pixels_is_that_part_interpolated_as_torch_does() -> None:
    """Away from the window's edges, beyond which torch sees nothing and a crop of the image does."""
    x = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(2))
    made = enlarged(x, torch.tensor([[4 / 16, 8 / 16, 8 / 16, 8 / 16]]))
    cut = F.interpolate(x[..., 8:16, 4:12], (16, 16), mode="bilinear", align_corners=False)
    torch.testing.assert_close(made[..., 2:-2, 2:-2], cut[..., 2:-2, 2:-2], atol=1e-5, rtol=0)


def test_beyond_the_border_the_outermost_colours_go_on() -> None:
    flat = torch.full((1, 3, 8, 8), 0.7)
    torch.testing.assert_close(enlarged(flat, torch.tensor([[0.0, 0.9, 0.1, 0.1]])), flat)


@pytest.mark.parametrize("others", [{}, {"crop": 2, "flip": True, "rotation": 10.0}])
def test_a_view_depends_on_seed_epoch_and_image_alone(others: dict) -> None:
    x = torch.randint(256, (30, 3, 12, 12), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)
    made = Views(DatasetSettings(resized_crop=0.3, **others), 30, 0, "cpu")
    whole, some = made.at(x, torch.arange(30), 2), torch.tensor([7, 21, 7])
    assert torch.equal(Views(DatasetSettings(resized_crop=0.3, **others), 30, 0, "cpu").at(x[some], some, 2), whole[some])
    assert not torch.equal(made.at(x, torch.arange(30), 3), whole)
    assert whole.min() >= 0
    assert whole.max() <= 1
    assert made.distinct == 0


def test_it_is_off_unless_asked_for_and_leaves_the_chance_of_the_others() -> None:
    x, index = torch.full((30, 1, 8, 8), 9, dtype=torch.uint8), torch.arange(30)
    x[:, :, :, :4] = 200
    assert torch.equal(Views(DatasetSettings(), 30, 0, "cpu").at(x, index, 1), x / 255)
    flipped = Views(DatasetSettings(flip=True), 30, 0, "cpu").at(x, index, 1)[:, 0, 0, 0] < 0.5
    both = Views(DatasetSettings(flip=True, resized_crop=1.0), 30, 0, "cpu").at(x, index, 1)[:, 0, 0, 0] < 0.5
    assert torch.equal(flipped, both)
