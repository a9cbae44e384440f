"""torchvision's classifiers: one of each family looked into, counted against what torchvision publishes, and filled with a
state dict as torchvision saves it. No weights are downloaded."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

from engine import nets
from engine.method import Part
from engine.nets.parts import KINDS, insert
from engine.nets.torchvision_nets import FAMILIES, keys
from engine.nets.weights import from_file
from engine.taps import Look, shapes

ONE_EACH = {
    "resnet18": "64x8 64x8 128x4 256x2 512x1 | 512",
    "resnext50_32x4d": "64x8 256x8 512x4 1024x2 2048x1 | 2048",
    "regnet_y_400mf": "32x16 48x8 104x4 208x2 440x1 | 440",
    "densenet121": "64x8 256x8 512x4 1024x2 1024x1 | 1024",
    "mobilenet_v2": "16x16 24x8 32x4 96x2 320x1 | 1280",
    "mobilenet_v3_small": "16x16 16x8 24x4 48x2 96x1 | 1024",
    "efficientnet_b0": "16x16 24x8 40x4 112x2 320x1 | 1280",
    "efficientnet_v2_s": "24x16 48x8 64x4 160x2 256x1 | 1280",
    "shufflenet_v2_x0_5": "24x8 48x4 96x2 192x1 | 1024",
    "mnasnet0_5": "8x16 16x8 24x4 48x2 160x1 | 1280",
    "convnext_tiny": "96x8 96x8 192x4 384x2 768x1 | 768",
    "vgg11_bn": "64x32 128x16 256x8 512x4 512x2 | 4096",
    "alexnet": "64x15 192x7 256x3 | 4096",
    "squeezenet1_1": "64x8 128x4 256x2 512x1 | 512",
    "googlenet": "64x16 192x8 480x4 832x2 1024x1 | 1024",
    "inception_v3": "64x35 192x15 288x7 768x3 2048x1 | 2048",
    "swin_t": "96x8 96x8 192x4 384x2 768x1 | 768",
    "maxvit_t": "64x112 64x56 128x28 256x14 512x7 | 512",
    "vit_b_32": "| 768",
}
"""A net of each family: channels and side of f0, f1, ... on images of its smallest side, and what goes into its head."""

SMALLEST = {"alexnet": 63, "squeezenet1_1": 17, "inception_v3": 75, "vit_b_32": 224, "maxvit_t": 224}
"""Where that is not 32, the stride of most."""

BLOCKED = ("resnet18", "resnext50_32x4d")
"""Whose last stage shows the map after its first block."""

FEW = ("resnet18", "mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x0_5")
"""Families on which real numbers flow through; `KDSTUDIO_ALL_NETS=1` takes one of each."""
FLOWN = tuple(ONE_EACH) if os.environ.get("KDSTUDIO_ALL_NETS") else FEW


def made(name: str, channels: int = 3, classes: int = 4) -> nets.Net:
    key = f"torchvision.{name}"
    size = SMALLEST.get(name, 32)
    return nets.build(key, classes=classes, channels=channels, size=size, generator=torch.Generator().manual_seed(0)).eval()


def images(net: nets.Net, batch: int = 2) -> Tensor:
    size = (batch, net.frame.channels, net.frame.size, net.frame.size)
    return torch.rand(size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ONE_EACH)
def test_its_taps_are_the_ends_of_its_stages_on_the_smallest_images_it_takes(name: str) -> None:
    design = nets.card(f"torchvision.{name}")
    assert (design.exact or design.smallest) == SMALLEST.get(name, 32)
    maps, _, wide = ONE_EACH[name].partition("|")
    sizes = [tuple(map(int, word.split("x"))) for word in maps.split()]
    expected = {f"f{i}": (c, s, s) for i, (c, s) in enumerate(sizes)} | {"pooled": (int(wide),)}
    if name in BLOCKED:
        expected["f4_first"] = expected["f4"]
    assert nets.measured(design.key, 1, 10, [SMALLEST.get(name, 32)])[0].taps == expected


@pytest.mark.parametrize("name", ONE_EACH)
def test_its_counts_are_those_that_torchvision_publishes(name: str) -> None:
    weights = models.get_model_weights(name).DEFAULT
    found = nets.measured(f"torchvision.{name}", 3, 1000, [weights.transforms().crop_size[0]])[0]
    auxiliary = 27_161_264 - 23_834_568 if name == "inception_v3" else 0  # torchvision counts the one that is off here
    assert found.parameters == weights.meta["num_params"] - auxiliary
    assert found.multiply_adds / 1e9 == pytest.approx(weights.meta["_ops"], abs=0.001)


def test_every_classifier_of_torchvision_belongs_to_a_family() -> None:
    assert [key.removeprefix("torchvision.") for key in keys()] == models.list_models(module=models)
    assert {family.title for family in FAMILIES} == {nets.card(f"torchvision.{n}").family[14:] for n in ONE_EACH} | {
        "Wide ResNet", "MobileNetV3"
    }  # fmt: skip


@pytest.mark.parametrize("name", FLOWN)
def test_taps_are_seen_the_head_reads_the_last_and_a_copy_has_taps_of_its_own(name: str) -> None:
    net = made(name, channels=1)
    x = images(net)
    view = Look(net, {tap: tap for tap in net.taps})(x)
    assert {t: tuple(v.shape[1:]) for t, v in view.taps.items()} == shapes(net, tuple(x.shape[1:]))
    if net.has_linear_head:
        torch.testing.assert_close(net.head(view.taps["pooled"]), view.logits)
    twin = copy.deepcopy(net)
    twin.get_submodule("f0").append(nn.Hardtanh(-0.01, 0.01))
    assert torch.equal(net(x), view.logits) and not torch.equal(twin(x), view.logits)
    net.train()(images(net, 3)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("name", FLOWN)
def test_a_state_dict_as_torchvision_saves_it_gives_the_same_logits(name: str, tmp_path: Path) -> None:
    options = {"aux_logits": True, "init_weights": True} if name in ("googlenet", "inception_v3") else {}
    torch.manual_seed(0)
    source = models.get_model(name, weights=None, num_classes=4, **options).eval()
    torch.save(source.state_dict(), tmp_path / "published.pth")
    size = SMALLEST.get(name, 32)
    net, _ = from_file(
        tmp_path / "published.pth", f"torchvision.{name}", classes=4, channels=3, size=size, mean=[0.4] * 3, std=[0.2] * 3
    )
    x = images(net)
    torch.testing.assert_close(net.eval()(x), source((x - 0.4) / 0.2))


def test_densenets_published_with_dotted_names_load(tmp_path: Path) -> None:
    net = made("densenet121")
    dotted = {
        k.removeprefix("net.").replace("norm1.", "norm.1.").replace("conv2.", "conv.2.") if "denselayer" in k else
        k.removeprefix("net."): v for k, v in net.state_dict().items() if k not in ("mean", "std")
    }  # fmt: skip
    assert "features.denseblock1.denselayer1.norm.1.weight" in dotted
    torch.save(dotted, tmp_path / "published.pth")
    again, _ = from_file(
        tmp_path / "published.pth", net.frame.key, classes=4, channels=3, size=32, mean=[0.0] * 3, std=[1.0] * 3
    )
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values(), strict=True))


def test_a_part_stands_after_a_tap_of_a_foreign_net_also_where_channels_lie_last() -> None:
    KINDS["test.scale"] = nn.Hardtanh
    try:
        for name, tap, wide in (("resnet18", "f2", 128), ("swin_t", "f2", 192)):
            net = made(name)
            x = images(net)
            before = net(x)
            insert(net, Part("narrow", tap, "test.scale", {"min_val": -0.01, "max_val": 0.01}), torch.Generator())
            assert not torch.equal(net(x), before)
            assert Look(net, {"out": "narrow.out"})(x).taps["out"].shape == (2, wide, 4, 4)
    finally:
        del KINDS["test.scale"]


def test_a_net_without_a_linear_head_says_so_and_shows_the_mean_of_its_last_map() -> None:
    net = made("squeezenet1_1")
    with pytest.raises(nets.NetError, match=r"torchvision\.squeezenet1_1 classifies by a convolution and has no linear head"):
        _ = net.head
    view = Look(net, {"pooled": "pooled", "last": "f3"})(images(net))
    torch.testing.assert_close(view.taps["pooled"], view.taps["last"].mean((2, 3)))
    card = nets.card(net.frame.key)
    assert card.per_class == (0, 0) and card.size_on(3, 32, 7) is None


def test_a_net_for_grey_images_begins_with_weights_drawn_for_colour() -> None:
    grey, colour = made("resnet18", channels=1), made("resnet18")
    ours, theirs = grey.get_submodule("net.conv1"), colour.get_submodule("net.conv1")
    assert torch.equal(ours.weight, theirs.weight[:, :1])
    assert ours.stride == theirs.stride


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("torchvision.resnt18", "torchvision has no classifier 'resnt18'; did you mean 'resnet18'?"),
        ("torchvision.fcn_resnet50", "torchvision has no classifier 'fcn_resnet50'"),
        ("torchvision.x", "torchvision has no classifier 'x'; `kdstudio list nets` names them all"),
    ],
)
def test_a_name_that_torchvision_does_not_have_is_refused(key: str, sentence: str) -> None:
    with pytest.raises(nets.NetError) as refused:
        nets.build(key, classes=2)
    assert str(refused.value).startswith(sentence)


def test_images_too_small_for_it_are_refused() -> None:
    with pytest.raises(nets.NetError, match=r"torchvision\.alexnet takes images of 63x63 pixels and larger, not 32x32"):
        nets.build("torchvision.alexnet", classes=2)
    with pytest.raises(nets.NetError, match=r"torchvision\.vit_b_32 takes images of exactly 224x224 pixels, not 32x32"):
        nets.build("torchvision.vit_b_32", classes=2)


# Published weights


def test_published_weights_come_with_what_they_expect_and_know() -> None:
    found = nets.torchvision_weights("torchvision.resnet18")
    assert found.url == "https://download.pytorch.org/models/resnet18-f37072fd.pth"
    assert (found.sha256, found.file, found.side, found.top1) == ("f37072fd", "resnet18-f37072fd.pth", 224, 69.758)
    assert (found.mean, found.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert len(found.classes) == 1000 and found.classes[0] == "tench"


def test_nets_that_turn_their_input_inside_carry_what_it_comes_to() -> None:
    for name in ("googlenet", "inception_v3"):
        found = nets.torchvision_weights(f"torchvision.{name}")
        net = models.get_model(name, weights=None, num_classes=2, init_weights=False, aux_logits=False, transform_input=True)
        imagenet = models.get_model_weights(name).DEFAULT.transforms()
        x = torch.rand(1, 3, 8, 8)
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (imagenet.mean, imagenet.std))
        own = (x - torch.tensor(found.mean).view(1, 3, 1, 1)) / torch.tensor(found.std).view(1, 3, 1, 1)
        torch.testing.assert_close(net._transform_input((x - mean) / std), own)


def test_of_several_published_weights_those_are_taken_that_fit_the_side() -> None:
    assert nets.torchvision_weights("torchvision.vit_h_14").side == 224  # the preferred ones want 518
    assert nets.torchvision_weights("torchvision.vit_h_14").licence != "BSD-3-Clause"
