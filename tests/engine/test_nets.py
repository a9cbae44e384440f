"""The nets against the reference sheet: counts, shapes, initialisation, identity, refusals."""

from __future__ import annotations

import copy
import json
import math

import pytest
import torch
from torch import nn

from engine import nets
from engine.nets.counts import multiply_adds, parameters, size_in_bytes
from engine.nets.net import seeded
from engine.taps import shapes

RESNETS = {
    "resnet8": (83_892, 12.51), "resnet14": (181_108, 26.66), "resnet20": (278_324, 40.82), "resnet32": (472_756, 69.13),
    "resnet44": (667_188, 97.44), "resnet56": (861_620, 125.75), "resnet110": (1_736_564, 253.16),
    "resnet8x4": (1_233_540, 177.07), "resnet32x4": (7_433_860, 1083.04),
}  # fmt: skip
"""Parameters and millions of multiply-adds for 3 x 32 x 32 and 100 classes (reference sheet, 4.2)."""


@pytest.mark.parametrize("key", RESNETS)
def test_a_resnet_has_exactly_the_parameters_and_multiply_adds_of_the_sheet(key: str) -> None:
    card = nets.card(key)
    assert card.parameters == RESNETS[key][0]
    assert round(card.multiply_adds / 1e6, 2) == RESNETS[key][1]


@pytest.mark.parametrize("key", RESNETS)
def test_the_taps_of_a_resnet_have_the_shapes_of_the_sheet(key: str) -> None:
    w = (32, 64, 128, 256) if key.endswith("x4") else (16, 16, 32, 64)
    stages = {"f1": (w[1], 32, 32), "f2": (w[2], 16, 16), "f3": (w[3], 8, 8)}
    expected = {"f0": (w[0], 32, 32)} | stages | {"pooled": (w[3],)} | {f"{k}_pre": v for k, v in stages.items()}
    assert dict(nets.card(key).taps) == expected


def test_lenet_has_the_parameters_and_taps_of_the_sheet() -> None:
    net = nets.build("lenet5", classes=10, channels=1)
    assert parameters(net) == 61_750
    assert shapes(net, (1, 32, 32)) == {"conv1": (6, 14, 14), "conv2": (16, 5, 5), "pooled": (84,)}
    assert net(torch.rand(2, 1, 32, 32)).shape == (2, 10)


def test_the_count_of_multiply_adds_follows_every_position_of_a_layer() -> None:
    conv = nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2)
    assert multiply_adds(conv, (4, 8, 8)) == 3 * 3 * 2 * 8 * 16
    assert multiply_adds(nn.ConvTranspose2d(4, 8, 4, 2, 1), (4, 5, 5)) == 4 * 4 * 4 * 8 * 25
    assert multiply_adds(nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), (3, 2, 2)) == 60


def test_counting_leaves_the_net_as_it_was() -> None:
    net = nets.build("resnet8", classes=10).train()
    before = copy.deepcopy(net.state_dict())
    multiply_adds(net, (3, 32, 32))
    assert net.training
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_the_size_in_bytes_counts_parameters_and_buffers() -> None:
    assert size_in_bytes(nn.BatchNorm1d(3)) == 4 * 3 * 4 + 8


def test_convolutions_begin_kaiming_normal_by_fan_out_and_norms_at_one_and_zero() -> None:
    net = nets.build("resnet32x4", classes=10, generator=torch.Generator().manual_seed(0))
    weight = net.get_submodule("layer3.2.conv1").weight
    assert weight.std().item() == pytest.approx(math.sqrt(2 / (9 * 256)), rel=0.01)
    assert weight.mean().item() == pytest.approx(0, abs=3e-4)
    norm = net.get_submodule("layer3.2.bn2")
    assert torch.equal(norm.weight, torch.ones(256))
    assert torch.equal(norm.bias, torch.zeros(256))


def test_one_generator_gives_one_net_and_leaves_the_global_state_alone() -> None:
    state = torch.random.get_rng_state()
    first = nets.build("resnet8", classes=10, generator=torch.Generator().manual_seed(3))
    assert torch.equal(state, torch.random.get_rng_state())
    torch.rand(5)
    second = nets.build("resnet8", classes=10, generator=torch.Generator().manual_seed(3))
    other = nets.build("resnet8", classes=10, generator=torch.Generator().manual_seed(4))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters()))
    assert not torch.equal(first.conv1.weight, other.conv1.weight)


def test_the_global_state_returns_also_when_building_fails() -> None:
    state = torch.random.get_rng_state()
    with pytest.raises(ZeroDivisionError), seeded(torch.Generator().manual_seed(0)):
        torch.rand(3)
        raise ZeroDivisionError
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_net_carries_its_own_normalisation() -> None:
    plain = nets.build("resnet8", classes=4, generator=torch.Generator().manual_seed(0)).eval()
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    own = nets.build("resnet8", classes=4, mean=mean, std=std, generator=torch.Generator().manual_seed(0)).eval()
    x = torch.rand(2, 3, 16, 16)
    normalised = (x - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)
    torch.testing.assert_close(own(x), plain(normalised))


def test_the_identity_of_a_net_is_plain_data_that_builds_it_again() -> None:
    net = nets.build("resnet8x4", classes=7, channels=1, size=8, mean=[0.25], std=[0.5])
    again = nets.build(**json.loads(json.dumps(net.identity())))
    again.load_state_dict(net.state_dict())
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(again.eval()(x), net.eval()(x))
    assert again.identity() == net.identity()


def test_resnets_train_on_digits_of_eight_pixels() -> None:
    net = nets.build("resnet8", classes=10, channels=1, size=8)
    net(torch.rand(4, 1, 8, 8)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert shapes(net, (1, 8, 8))["f3"] == (64, 2, 2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"key": "resnt20", "classes": 10}, "there is no net 'resnt20'; did you mean 'resnet20'?"),
        ({"key": "transformer", "classes": 10}, "there is no net 'transformer'; the nets are lenet5, resnet8"),
        ({"key": "lenet5", "classes": 10, "size": 28}, "lenet5 takes images of exactly 32x32 pixels, not 28x28"),
        ({"key": "resnet20", "classes": 10, "size": 4}, "resnet20 takes images of 8x8 pixels and larger, not 4x4"),
        ({"key": "resnet20", "classes": 10, "channels": 1, "mean": [0.1, 0.2, 0.3]}, "the mean has 3 values"),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(arguments: dict, sentence: str) -> None:
    with pytest.raises(nets.NetError, match="^" + sentence.replace("?", r"\?")):
        nets.build(**arguments)
