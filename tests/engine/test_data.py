"""From settings to images in memory: splits, sizes, statistics, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from engine import data, nets
from engine.data import DataError, Pictures, Sides
from engine.data.pixels import levels, mean_and_std, resized, to_unit
from engine.data.splits import stratified
from engine.experiment import DatasetSettings

ANY = Sides()


def digits(sides: Sides = ANY, **settings) -> Pictures:
    return data.load(DatasetSettings(name="digits", **settings), sides, "cpu")


def counts(labels: Tensor) -> list[int]:
    return torch.bincount(labels).tolist()


def test_the_digits_are_whole_and_sound() -> None:
    pictures = digits(holdout=0)
    assert pictures.heldout is None
    assert (len(pictures.train), len(pictures.test)) == (1438, 359)
    assert pictures.shape == (1, 8, 8)
    assert pictures.train.images.dtype == torch.uint8
    assert pictures.train.images.max() == 255
    assert pictures.class_names == tuple("0123456789")
    assert pictures.notes == ()


def test_every_image_is_in_one_split_only() -> None:
    p = digits()
    from sklearn.datasets import load_digits

    whole = sorted(np.rint(load_digits().images.reshape(-1, 64) * 255 / 16).astype(np.uint8).tolist())
    parts = torch.cat([s.images.flatten(1) for s in (p.train, p.heldout, p.test)]).tolist()
    assert sorted(parts) == whole


def test_splits_are_the_same_for_every_run_and_differ_with_their_seed() -> None:
    one, again, other = digits(), digits(), digits(split_seed=1)
    assert torch.equal(one.test.images, again.test.images)
    assert torch.equal(one.heldout.images, again.heldout.images)
    assert not torch.equal(one.test.images, other.test.images)


def test_the_test_images_do_not_depend_on_subset_or_holdout() -> None:
    assert torch.equal(digits().test.images, digits(subset=0.3, holdout=0).test.images)


def test_each_part_has_its_share_of_every_class() -> None:
    p = digits(holdout=0.1, subset=0.5)
    for train, held in zip(counts(p.train.labels), counts(p.heldout.labels)):
        assert abs(held - 0.1 * (train + held)) <= 1
        assert abs(train + held - 0.5 * 0.8 * 180) <= 4


def test_a_stratified_part_keeps_an_image_of_each_class_on_both_sides() -> None:
    labels = torch.tensor([0] * 100 + [1] * 2 + [2])
    chosen, rest = stratified(labels, 0.01, 0, "test")
    assert counts(labels[chosen]) == [1, 1]
    assert counts(labels[rest]) == [99, 1, 1]
    assert sorted([*chosen.tolist(), *rest.tolist()]) == list(range(103))


def test_the_purposes_of_a_seed_do_not_choose_the_same_images() -> None:
    labels = torch.zeros(100, dtype=torch.long)
    assert not torch.equal(stratified(labels, 0.5, 0, "subset")[0], stratified(labels, 0.5, 0, "held-out")[0])


def test_without_labels_only_the_test_images_keep_theirs() -> None:
    p = digits(labels=False)
    assert p.train.labels is None
    assert p.heldout.labels is None
    assert p.test.labels is not None
    assert torch.equal(p.train.images, digits().train.images)


def test_mean_and_std_are_those_of_the_training_images() -> None:
    p = digits()
    x = p.train.images.double() / 255
    assert p.mean[0] == pytest.approx(x.mean().item(), abs=1e-12)
    assert p.std[0] == pytest.approx(x.std(correction=0).item(), abs=1e-12)


def test_a_constant_channel_can_still_be_divided_by_its_std() -> None:
    mean, std = mean_and_std(levels(torch.full((3, 2, 4, 4), 51, dtype=torch.uint8)))
    assert mean == pytest.approx((0.2, 0.2))
    assert std == pytest.approx((1 / 255, 1 / 255))


def test_images_are_resized_to_what_the_nets_take_and_a_note_says_why() -> None:
    p = digits(Sides.of([nets.card("lenet5"), nets.card("resnet8")]))
    assert p.shape == (1, 32, 32)
    assert p.train.images.shape[-2:] == (32, 32)
    assert p.notes == (
        "The images are resized from 8x8 to 32x32 pixels, because lenet5 takes exactly 32x32 pixels.",
    )  # fmt: skip


def test_a_side_that_the_nets_do_not_take_is_refused_with_one_that_they_do() -> None:
    with pytest.raises(DataError, match=r"dataset\.size: 28 pixels do not suit, for lenet5 .*; use auto or 32"):
        digits(Sides.of([nets.card("lenet5")]), size=28)


def test_nets_that_share_no_side_are_named() -> None:
    with pytest.raises(DataError, match="no side of images suits both: a wants 32, b wants 28"):
        Sides(32, 32, 1, "a wants 32").and_(Sides(28, 28, 1, "b wants 28"))
    with pytest.raises(DataError, match="no side"):
        Sides(40, 0, 1, "at least 40").and_(Sides(32, 32, 1, "exactly 32"))


def test_sides_say_the_nearest_one_they_take() -> None:
    sides = Sides(smallest=8).and_(Sides(multiple_of=8, because="the autoencoder halves three times"))
    assert [sides.nearest(n) for n in (1, 8, 9, 28)] == [8, 8, 16, 32]
    assert not sides.takes(28)


def test_a_crop_that_could_leave_nothing_is_refused() -> None:
    with pytest.raises(DataError, match=r"dataset\.crop: padding 8 pixels .* use less than 8"):
        digits(crop=8)


def test_images_that_do_not_fit_into_memory_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.loading.ROOM", 0.0)
    with pytest.raises(DataError, match=r"dataset\.loading: the images take 0\.0 GB .* set it to auto, or set a smaller"):
        digits(loading="memory")


def test_resizing_keeps_flat_images_flat_and_does_not_depend_on_chunks() -> None:
    flat = torch.full((3, 1, 8, 8), 77, dtype=torch.uint8)
    assert torch.equal(resized(flat, 32), torch.full((3, 1, 32, 32), 77, dtype=torch.uint8))
    images = digits(holdout=0).train.images[:10]
    assert torch.equal(resized(images, 12, chunk=3), resized(images, 12))


def test_pixels_become_floats_from_zero_to_one() -> None:
    assert to_unit(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist() == pytest.approx([0, 0.2, 1])


def test_an_unknown_dataset_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(DataError, match="there is no dataset 'fashion_mnist'; did you mean 'fashion-mnist'"):
        data.load(DatasetSettings(name="fashion_mnist"), ANY, "cpu")
