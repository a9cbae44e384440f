"""The nets against the reference sheet: counts, shapes, initialization, identity, refusals."""

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
from engine.nets.shufflenet import shuffled
from engine.taps import Look, shapes

SHEET = {
    "resnet8": (83_892, 12.51), "resnet14": (181_108, 26.66), "resnet20": (278_324, 40.82), "resnet32": (472_756, 69.13),
    "resnet44": (667_188, 97.44), "resnet56": (861_620, 125.75), "resnet110": (1_736_564, 253.16),
    "resnet8x4": (1_233_540, 177.07), "resnet32x4": (7_433_860, 1083.04),
    "wrn16-1": (180_916, 26.66), "wrn16-2": (703_284, 101.12), "wrn40-1": (569_780, 83.29), "wrn40-2": (2_255_156, 327.61),
    "vgg8": (3_965_028, 96.19), "vgg11": (9_277_284, 209.44), "vgg13": (9_462_180, 284.94), "vgg16": (14_774_436, 398.18),
    "vgg19": (20_086_692, 511.43), "resnet18": (11_220_132, 555.47), "resnet50": (23_705_252, 1298.01),
    "mobilenetv2-half": (812_836, 6.52), "shufflenetv1": (949_258, 38.69), "shufflenetv2": (1_355_528, 44.50),
}  # fmt: skip
"""Parameters and millions of multiply-adds for 3 x 32 x 32 and 100 classes (reference sheet, 4.2)."""

WIDTHS = {
    "resnet8": "16x32 16x32 32x16 64x8", "resnet110": "16x32 16x32 32x16 64x8", "resnet32x4": "32x32 64x32 128x16 256x8",
    "wrn16-1": "16x32 16x32 32x16 64x8", "wrn40-2": "16x32 32x32 64x16 128x8", "vgg8": "64x32 128x16 256x8 512x4 512x4",
    "vgg19": "64x32 128x16 256x8 512x4 512x4", "resnet18": "64x32 64x32 128x16 256x8 512x4",
    "resnet50": "64x32 256x32 512x16 1024x8 2048x4", "mobilenetv2-half": "16x16 12x16 16x8 48x4 160x2",
    "shufflenetv1": "24x32 240x16 480x8 960x4", "shufflenetv2": "24x32 116x16 232x8 464x4",
}  # fmt: skip
"""Channels and side of f0, f1, ... there."""

POOLED = {"mobilenetv2-half": 1280, "shufflenetv2": 1024}
"""Where the classifier reads something else than the mean of the last map."""


def test_the_sheet_is_about_every_net_there_is() -> None:
    assert {*SHEET, "lenet5"} == set(nets.keys())


@pytest.mark.parametrize("key", SHEET)
def test_a_net_has_exactly_the_parameters_and_multiply_adds_of_the_sheet(key: str) -> None:
    found = nets.measured(key, 3, 100, [32])[0]
    assert (found.parameters, round(found.multiply_adds / 1e6, 2)) == SHEET[key]


@pytest.mark.parametrize("key", WIDTHS)
def test_the_taps_of_a_net_have_the_shapes_of_the_sheet(key: str) -> None:
    sizes = [tuple(map(int, word.split("x"))) for word in WIDTHS[key].split()]
    main = {f"f{i}": (wide, side, side) for i, (wide, side) in enumerate(sizes)}
    before = {} if key.startswith(("mobilenet", "shuffle")) else {f"{k}_pre": v for k, v in main.items() if k != "f0"}
    expected = {**main, "pooled": (POOLED.get(key, sizes[-1][0]),), **before}
    found = nets.measured(key, 3, 100, [32])[0].taps
    assert {tap: shape for tap, shape in found.items() if tap in expected or tap.endswith("_pre")} == expected


def test_the_fourth_block_of_a_vgg_is_pooled_for_images_of_64_pixels_alone() -> None:
    last = {side: found.taps["f4"] for side, found in zip((32, 64, 96), nets.measured("vgg8", 3, 10, [32, 64, 96]))}
    assert last == {32: (512, 4, 4), 64: (512, 4, 4), 96: (512, 12, 12)}


@pytest.mark.parametrize("key", ["resnet8", "wrn16-2", "vgg11", "resnet18", "resnet50"])
def test_a_tap_before_activation_is_what_its_norm_puts_out_or_the_sum_before_the_last_relu(key: str) -> None:
    net = nets.build(key, classes=5, size=8, generator=torch.Generator().manual_seed(0)).eval()
    view = Look(net, {tap: tap for tap in net.taps})(torch.rand(2, 3, 8, 8))
    for tap in (tap for tap in net.taps if tap.endswith("_pre")):
        after = view.taps[tap.removesuffix("_pre")]
        norm = net.norm_before(tap)
        assert isinstance(norm, nn.BatchNorm2d) and norm.num_features == after.shape[1]
        if key.startswith("wrn"):
            torch.testing.assert_close(norm(after), view.taps[tap])
        else:
            torch.testing.assert_close(view.taps[tap].relu(), after)


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


def drawn(key: str) -> nets.Net:
    return nets.build(key, classes=100, generator=torch.Generator().manual_seed(0))


FAN_OUT = {
    "resnet32x4": "layer3.2.conv1", "resnet18": "layer4.1.conv2", "resnet50": "layer4.2.conv2", "wrn40-2": "block3.5.conv1",
    "vgg11": "block4.3", "mobilenetv2-half": "conv2.0",
}  # fmt: skip
"""A large convolution of each net whose weights begin as N(0, 2/(k² C_out)), Kaiming-normal by fan-out."""


@pytest.mark.parametrize("key", FAN_OUT)
def test_convolutions_begin_normal_by_fan_out_and_norms_at_one_and_zero(key: str) -> None:
    net = drawn(key)
    conv = net.get_submodule(FAN_OUT[key])
    expected = math.sqrt(2 / (conv.kernel_size[0] ** 2 * conv.out_channels))
    assert conv.weight.std().item() == pytest.approx(expected, rel=0.01)
    assert conv.weight.mean().item() == pytest.approx(0, abs=expected / 100)
    near = (conv.weight.abs() < expected).float().mean().item()
    assert near == pytest.approx(0.6827, abs=0.005)  # of a normal distribution, within one deviation
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(torch.equal(m.weight, torch.ones_like(m.weight)) and not m.bias.any() for m in norms)


@pytest.mark.parametrize("key", ["vgg11", "mobilenetv2-half"])
def test_the_classifier_of_vgg_and_mobilenet_begins_narrow_and_every_bias_at_zero(key: str) -> None:
    net = drawn(key)
    assert net.head.weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert not any(m.bias.any() for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear)) and m.bias is not None)


def test_the_bias_of_a_wide_resnet_begins_at_zero_and_its_classifier_evenly() -> None:
    head = drawn("wrn40-2").head
    assert not head.bias.any()
    assert head.weight.abs().max().item() == pytest.approx(1 / math.sqrt(128), rel=0.01)


@pytest.mark.parametrize(("key", "path"), [("shufflenetv1", "layer3.3.conv3"), ("shufflenetv2", "conv2")])
def test_shufflenets_begin_as_pytorch_draws(key: str, path: str) -> None:
    conv = drawn(key).get_submodule(path)
    bound = 1 / math.sqrt(conv.in_channels / conv.groups)
    assert conv.weight.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert conv.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.01)


def test_shuffled_channels_are_dealt_out_by_their_place_in_the_group() -> None:
    x = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert shuffled(x, 3).flatten().tolist() == [0, 2, 4, 1, 3, 5]
    assert shuffled(x, 2).flatten().tolist() == [0, 3, 1, 4, 2, 5]


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


def test_a_net_carries_its_own_normalization() -> None:
    plain = nets.build("resnet8", classes=4, generator=torch.Generator().manual_seed(0)).eval()
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    own = nets.build("resnet8", classes=4, mean=mean, std=std, generator=torch.Generator().manual_seed(0)).eval()
    x = torch.rand(2, 3, 16, 16)
    normalized = (x - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)
    torch.testing.assert_close(own(x), plain(normalized))


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
        ({"key": "transformer", "classes": 10}, "there is no net 'transformer'; the nets are resnet18, resnet50, lenet5"),
        ({"key": "lenet5", "classes": 10, "size": 28}, "lenet5 takes images of exactly 32x32 pixels, not 28x28"),
        ({"key": "resnet20", "classes": 10, "size": 3}, "resnet20 takes images of 4x4 pixels and larger, not 3x3"),
        ({"key": "resnet20", "classes": 10, "variant": "wide"}, "resnet20 has no variant 'wide'; it has padded"),
        ({"key": "resnet20", "classes": 10, "channels": 1, "mean": [0.1, 0.2, 0.3]}, "the mean has 3 values"),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(arguments: dict, sentence: str) -> None:
    with pytest.raises(nets.NetError, match="^" + sentence.replace("?", r"\?")):
        nets.build(**arguments)
