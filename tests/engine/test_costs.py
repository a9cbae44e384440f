"""The published cost ratios of ReffAKD, recomputed from architectures by their own rules, and the honest counts."""

from __future__ import annotations

import pytest
from torch import nn

from engine.nets.counts import multiply_adds
from engine.soft_labels import costs
from engine.soft_labels.autoencoder import Autoencoder
from engine.soft_labels.costs import PUBLISHED, Cost, Setting, measure, ratios, reference_teacher


def both(setting: Setting) -> tuple[Cost, Cost]:
    teacher = reference_teacher(setting.teacher, setting.shape, setting.classes)
    return teacher, measure("autoencoder", Autoencoder(setting.shape[0]), setting.shape)


@pytest.mark.parametrize(("setting", "size"), [*zip(PUBLISHED, (237.0, 503.5, 533.9))], ids=[s.dataset for s in PUBLISHED])
def test_the_published_ratio_of_bytes_comes_out(setting: Setting, size: float) -> None:
    assert ratios(*both(setting)).size == pytest.approx(size, abs=0.05)


@pytest.mark.parametrize("setting", PUBLISHED[1:], ids=[s.dataset for s in PUBLISHED[1:]])
def test_the_published_ratio_of_multiply_adds_is_354(setting: Setting) -> None:
    assert round(ratios(*both(setting)).multiply_adds) == 354


def test_the_true_ratios_are_others() -> None:
    found = ratios(*both(PUBLISHED[1]))
    assert found.true_multiply_adds == pytest.approx(880.27, abs=0.01)
    assert found.true_size == pytest.approx(501.7, abs=0.05)
    assert found.parameters == pytest.approx(500.6, abs=0.05)


def test_the_autoencoders_counts_are_those_of_the_reference() -> None:
    colour, grey = (measure("autoencoder", Autoencoder(c), (c, 32, 32)) for c in (3, 1))
    assert (colour.parameters, grey.parameters) == (47_355, 46_585)
    assert colour.multiply_adds == 1_474_560 == multiply_adds(Autoencoder(3), (3, 32, 32))
    assert colour.published_multiply_adds == 3_686_400
    assert colour.megabytes == grey.megabytes == 0.18


@pytest.mark.parametrize(
    ("name", "shape", "classes", "parameters", "megabytes"),
    [
        ("ResNet-50", (3, 32, 32), 100, 23_705_252, 90.63),
        ("ResNet-50", (3, 64, 64), 200, 25_138_952, 96.10),
        ("ResNet-18", (1, 32, 32), 10, 11_172_810, 42.66),
        ("ResNet-18", (3, 32, 32), 100, 11_220_132, 42.84),
        ("ResNet-18", (3, 64, 64), 200, 11_578_632, None),
    ],
)
def test_the_reference_teachers_counts_are_those_of_the_reference(
    name: str, shape: tuple[int, int, int], classes: int, parameters: int, megabytes: float | None
) -> None:
    found = reference_teacher(name, shape, classes)
    assert found.parameters == parameters
    assert megabytes is None or found.megabytes == megabytes


def test_the_reference_teachers_multiply_adds_are_those_of_the_reference() -> None:
    assert reference_teacher("ResNet-50", (3, 32, 32), 100).multiply_adds == pytest.approx(1298.01e6, abs=5e3)
    assert reference_teacher("ResNet-18", (3, 32, 32), 100).multiply_adds == pytest.approx(555.47e6, abs=5e3)


def test_a_measured_net_is_counted_as_its_arithmetic_says() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 64, 5))
    found = measure("small", net, (3, 8, 8))
    assert found.parameters == 108 + 8 + 1285
    assert found.size == 4 * (found.parameters + 8)
    assert found.multiply_adds == 108 * 64 + 1280
    assert found.published_multiply_adds == found.multiply_adds + 2 * 4 * 64


def test_the_table_lays_published_and_honest_numbers_beside_each_other() -> None:
    published = {s: both(s)[1] for s in PUBLISHED}
    rows = costs.rows_beside(*both(PUBLISHED[1])) + costs.rows_published(published)
    said = {row["label"]: row["value"] for row in rows}
    assert said["size by the published rule"] == "503.5×"
    assert said["multiply-adds by the published rule"] == "354.0×"
    assert said["multiply-adds, true"] == "880.3×"
    assert said["as published: Fashion-MNIST, ResNet-18"].startswith("237.0× bytes")
    assert said["as published: Tiny-ImageNet, ResNet-50"].startswith("533.9× bytes")


def test_training_the_autoencoder_is_named_as_a_cost() -> None:
    teacher, autoencoder = both(PUBLISHED[1])
    row = costs.row_of_training(autoencoder, teacher, images=50_000, epochs=12)
    assert row["value"] == f"{3 * 1_474_560 * 50_000 * 12 / 1e9:,.1f} G multiply-adds"
