"""Every net beside the same net of the public distillation libraries: written down function by function, with the key names
under which those libraries save it. What it makes of made-up weights is what ours makes of them once they are loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from engine import nets
from engine.nets.weights import classes_in, from_file, load_weights

CLASSES = 7


class Foreign:
    """A foreign net in evaluation mode: draws each weight where it is first used, and keeps it under its name there."""

    def __init__(self) -> None:
        self.state: dict[str, Tensor] = {}
        self.chance = torch.Generator().manual_seed(0)

    def draw(self, name: str, *shape: int, scale: float = 1.0, shift: float = 0.0) -> Tensor:
        assert name not in self.state, f"{name} is used twice"
        self.state[name] = scale * torch.randn(shape, generator=self.chance) + shift
        return self.state[name]

    def conv(
        self, x: Tensor, name: str, wide: int, kernel: int = 3, stride: int = 1, groups: int = 1, bias: bool = False
    ) -> Tensor:
        inputs = x.shape[1] // groups
        weight = self.draw(f"{name}.weight", wide, inputs, kernel, kernel, scale=(2 / (inputs * kernel**2)) ** 0.5)
        offset = self.draw(f"{name}.bias", wide, scale=0.1) if bias else None
        return F.conv2d(x, weight, offset, stride, kernel // 2, 1, groups)

    def norm(self, x: Tensor, name: str) -> Tensor:
        wide = x.shape[1]
        weight, bias = self.draw(f"{name}.weight", wide, scale=0.1, shift=1.0), self.draw(f"{name}.bias", wide, scale=0.1)
        mean = self.draw(f"{name}.running_mean", wide, scale=0.1)
        variance = self.draw(f"{name}.running_var", wide, scale=0.1, shift=1.0).abs_()
        self.state[f"{name}.num_batches_tracked"] = torch.tensor(3)
        return F.batch_norm(x, mean, variance, weight, bias)

    def head(self, x: Tensor, name: str) -> Tensor:
        x = x.mean((2, 3))
        return F.linear(x, self.draw(f"{name}.weight", CLASSES, x.shape[1], scale=0.1), self.draw(f"{name}.bias", CLASSES))


def resnet(net: Foreign, x: Tensor, blocks: int, widths: tuple[int, ...]) -> Tensor:
    x = net.norm(net.conv(x, "conv1", widths[0]), "bn1").relu()
    for stage in (1, 2, 3):
        for i in range(blocks):
            name, wide = f"layer{stage}.{i}", widths[stage]
            stride = 2 if stage > 1 and i == 0 else 1
            out = net.norm(net.conv(x, f"{name}.conv1", wide, stride=stride), f"{name}.bn1").relu()
            out = net.norm(net.conv(out, f"{name}.conv2", wide), f"{name}.bn2")
            if stride == 2 or x.shape[1] != wide:
                x = net.norm(net.conv(x, f"{name}.downsample.0", wide, 1, stride), f"{name}.downsample.1")
            x = (out + x).relu()
    return net.head(x, "fc")


def deep_resnet(net: Foreign, x: Tensor, counts: tuple[int, ...], bottleneck: bool) -> Tensor:
    x = net.norm(net.conv(x, "conv1", 64), "bn1").relu()
    for stage, count in enumerate(counts):
        for i in range(count):
            name, narrow = f"layer{stage + 1}.{i}", 64 * 2**stage
            wide, stride = narrow * (4 if bottleneck else 1), 2 if stage and i == 0 else 1
            if bottleneck:
                out = net.norm(net.conv(x, f"{name}.conv1", narrow, 1), f"{name}.bn1").relu()
                out = net.norm(net.conv(out, f"{name}.conv2", narrow, stride=stride), f"{name}.bn2").relu()
                out = net.norm(net.conv(out, f"{name}.conv3", wide, 1), f"{name}.bn3")
            else:
                out = net.norm(net.conv(x, f"{name}.conv1", wide, stride=stride), f"{name}.bn1").relu()
                out = net.norm(net.conv(out, f"{name}.conv2", wide), f"{name}.bn2")
            if stride == 2 or x.shape[1] != wide:
                x = net.norm(net.conv(x, f"{name}.shortcut.0", wide, 1, stride), f"{name}.shortcut.1")
            x = (out + x).relu()
    return net.head(x, "linear")


def wrn(net: Foreign, x: Tensor, blocks: int, wider: int) -> Tensor:
    x = net.conv(x, "conv1", 16)
    for stage in (1, 2, 3):
        for i in range(blocks):
            name, wide = f"block{stage}.layer.{i}", 8 * 2**stage * wider
            stride = 2 if stage > 1 and i == 0 else 1
            active = net.norm(x, f"{name}.bn1").relu()
            out = net.norm(net.conv(active, f"{name}.conv1", wide, stride=stride), f"{name}.bn2").relu()
            out = net.conv(out, f"{name}.conv2", wide)
            x = out + (x if x.shape[1] == wide else net.conv(active, f"{name}.convShortcut", wide, 1, stride))
    return net.head(net.norm(x, "bn1").relu(), "fc")


def vgg(net: Foreign, x: Tensor, counts: tuple[int, ...]) -> Tensor:
    for block, (count, wide) in enumerate(zip(counts, (64, 128, 256, 512, 512))):
        for i in range(count):
            x = net.norm(net.conv(x, f"block{block}.{3 * i}", wide, bias=True), f"block{block}.{3 * i + 1}").relu()
        x = F.max_pool2d(x, 2) if block < 3 else x
    return net.head(x, "classifier")


def mobilenet(net: Foreign, x: Tensor) -> Tensor:
    x = net.norm(net.conv(x, "conv1.0", 16, stride=2), "conv1.1").relu()
    groups = [(1, 8, 1, 1), (6, 12, 2, 1), (6, 16, 3, 2), (6, 32, 4, 2), (6, 48, 3, 1), (6, 80, 3, 2), (6, 160, 1, 1)]
    for group, (expansion, wide, count, first) in enumerate(groups):
        for i in range(count):
            name, stride, inside = f"blocks.{group}.{i}.conv", first if i == 0 else 1, x.shape[1] * expansion
            out = net.norm(net.conv(x, f"{name}.0", inside, 1), f"{name}.1").relu()
            out = net.norm(net.conv(out, f"{name}.3", inside, 3, stride, inside), f"{name}.4").relu()
            out = net.norm(net.conv(out, f"{name}.6", wide, 1), f"{name}.7")
            x = out + x if stride == 1 and x.shape[1] == wide else out
    return net.head(net.norm(net.conv(x, "conv2.0", 1280, 1), "conv2.1").relu(), "classifier.0")


def dealt(x: Tensor, groups: int) -> Tensor:
    b, c, h, w = x.shape
    return x.view(b, groups, c // groups, h, w).permute(0, 2, 1, 3, 4).reshape(b, c, h, w)


def shufflenet_v1(net: Foreign, x: Tensor) -> Tensor:
    x = net.norm(net.conv(x, "conv1", 24, 1), "bn1").relu()
    for stage, (total, count) in enumerate(((240, 4), (480, 8), (960, 4)), 1):
        for i in range(count):
            name, wide_in = f"layer{stage}.{i}", x.shape[1]
            wide, groups, stride = total - (wide_in if i == 0 else 0), 1 if wide_in == 24 else 3, 2 if i == 0 else 1
            narrow = wide // 4
            out = dealt(net.norm(net.conv(x, f"{name}.conv1", narrow, 1, groups=groups), f"{name}.bn1").relu(), groups)
            out = net.norm(net.conv(out, f"{name}.conv2", narrow, 3, stride, narrow), f"{name}.bn2").relu()
            out = net.norm(net.conv(out, f"{name}.conv3", wide, 1, groups=3), f"{name}.bn3")
            x = (torch.cat([out, F.avg_pool2d(x, 3, 2, 1)], 1) if i == 0 else out + x).relu()
    return net.head(x, "linear")


def shufflenet_v2(net: Foreign, x: Tensor) -> Tensor:
    x = net.norm(net.conv(x, "conv1", 24, 1), "bn1").relu()
    for stage, (wide, count) in enumerate(((116, 3), (232, 7), (464, 3)), 1):
        name, wide_in, half = f"layer{stage}.0", x.shape[1], wide // 2
        left = net.norm(net.conv(x, f"{name}.conv1", wide_in, 3, 2, wide_in), f"{name}.bn1")
        left = net.norm(net.conv(left, f"{name}.conv2", half, 1), f"{name}.bn2").relu()
        right = net.norm(net.conv(x, f"{name}.conv3", half, 1), f"{name}.bn3").relu()
        right = net.norm(net.conv(right, f"{name}.conv4", half, 3, 2, half), f"{name}.bn4")
        right = net.norm(net.conv(right, f"{name}.conv5", half, 1), f"{name}.bn5").relu()
        x = dealt(torch.cat([left, right], 1), 2)
        for i in range(1, count + 1):
            name, kept, out = f"layer{stage}.{i}", x[:, :half], x[:, half:]
            out = net.norm(net.conv(out, f"{name}.conv1", half, 1), f"{name}.bn1").relu()
            out = net.norm(net.conv(out, f"{name}.conv2", half, 3, 1, half), f"{name}.bn2")
            x = dealt(torch.cat([kept, net.norm(net.conv(out, f"{name}.conv3", half, 1), f"{name}.bn3").relu()], 1), 2)
    return net.head(net.norm(net.conv(x, "conv2", 1024, 1), "bn2").relu(), "linear")


PLAIN, WIDE = (16, 16, 32, 64), (32, 64, 128, 256)
THERE: dict[str, tuple[Callable[..., Tensor], tuple]] = {
    **{f"resnet{6 * n + 2}": (resnet, (n, PLAIN)) for n in (1, 2, 3, 5, 7, 9, 18)},
    "resnet8x4": (resnet, (1, WIDE)), "resnet32x4": (resnet, (5, WIDE)),
    **{f"wrn{6 * n + 4}-{wider}": (wrn, (n, wider)) for n in (2, 6) for wider in (1, 2)},
    "vgg8": (vgg, ((1, 1, 1, 1, 1),)), "vgg11": (vgg, ((1, 1, 2, 2, 2),)), "vgg13": (vgg, ((2, 2, 2, 2, 2),)),
    "vgg16": (vgg, ((2, 2, 3, 3, 3),)), "vgg19": (vgg, ((2, 2, 4, 4, 4),)),
    "resnet18": (deep_resnet, ((2, 2, 2, 2), False)), "resnet50": (deep_resnet, ((3, 4, 6, 3), True)),
    "mobilenetv2-half": (mobilenet, ()), "shufflenetv1": (shufflenet_v1, ()), "shufflenetv2": (shufflenet_v2, ()),
}  # fmt: skip
"""Our net -> the same net of the public distillation libraries."""


def test_every_net_has_its_counterpart_but_lenet() -> None:
    assert {*THERE, "lenet5"} == set(nets.keys())


@pytest.mark.parametrize("key", THERE)
def test_a_checkpoint_of_a_public_library_gives_the_same_logits_here_as_there(key: str, tmp_path: Path) -> None:
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    foreign, (forward, arguments) = Foreign(), THERE[key]
    expected = forward(foreign, (x - 0.5) / 0.25, *arguments)
    torch.save({"epoch": 240, "model": foreign.state, "optimizer": {"state": {}, "param_groups": []}}, tmp_path / "last.pth")
    net, _ = from_file(tmp_path / "last.pth", key, classes=CLASSES, channels=3, size=32, mean=[0.5] * 3, std=[0.25] * 3)
    torch.testing.assert_close(net.eval()(x), expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize("key", ["wrn16-1", "mobilenetv2-half", "resnet18", "shufflenetv2"])
def test_what_differs_is_said_of_every_family(key: str, tmp_path: Path) -> None:
    foreign, (forward, arguments) = Foreign(), THERE[key]
    forward(foreign, torch.zeros(1, 3, 32, 32), *arguments)
    torch.save({f"module.{k}": v for k, v in foreign.state.items()}, tmp_path / "there.pth")
    other = nets.build("vgg8", classes=CLASSES)
    with pytest.raises(nets.NetError, match=r"does not fit vgg8: the file lacks block0\.0\.weight"):
        load_weights(other, tmp_path / "there.pth")
    assert classes_in(tmp_path / "there.pth", key, channels=3, size=32) == CLASSES
