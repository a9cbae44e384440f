"""The ResNets of ImageNet on small images: a 3x3 stem without pooling and four stages, 64 to 512 channels wide.

ResNet-18 has basic blocks, ResNet-50 bottlenecks with the stride on the 3x3 convolution (He et al. 2015, arXiv
1512.03385). Shortcuts are projections where the shape changes; the map is averaged whatever its size.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from engine.nets.net import Design, Frame, Net, Place, Tap, through

WIDTHS = (64, 128, 256, 512)


class Basic(nn.Module):
    """conv3x3-BN-ReLU-conv3x3-BN plus shortcut, ReLU."""

    grows = 1

    def __init__(self, wide_in: int, wide: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(wide_in, wide, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(wide)
        self.downsample = _projection(wide_in, wide, stride)
        self.relu = nn.ReLU()  # one for all places, which so share a quantizer; not in place: its last input is a tap

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C, H/stride, W/stride)."""
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)) + self.downsample(x))


class Bottleneck(nn.Module):
    """conv1x1-BN-ReLU-conv3x3-BN-ReLU-conv1x1-BN plus shortcut, ReLU; four times as wide at its end as inside."""

    grows = 4

    def __init__(self, wide_in: int, wide: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(wide_in, wide, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(wide)
        self.conv3 = nn.Conv2d(wide, wide * self.grows, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wide * self.grows)
        self.downsample = _projection(wide_in, wide * self.grows, stride)
        self.relu = nn.ReLU()  # one for all places, which so share a quantizer; not in place: its last input is a tap

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C, H/stride, W/stride)."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        return self.relu(self.bn3(self.conv3(out)) + self.downsample(x))


class DeepResNet(Net):
    """A ResNet of four stages with so many blocks each. Convolutions begin Kaiming-normal by fan-out."""

    def __init__(self, frame: Frame, block: type[Basic] | type[Bottleneck], blocks: tuple[int, int, int, int]) -> None:
        super().__init__(frame, _places(blocks, "bn2" if block is Basic else "bn3"))
        ends = [wide * block.grows for wide in WIDTHS]
        self.conv1 = nn.Conv2d(frame.channels, WIDTHS[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = _stage(block, WIDTHS[0], WIDTHS[0], blocks[0], 1)
        self.layer2 = _stage(block, ends[0], WIDTHS[1], blocks[1], 2)
        self.layer3 = _stage(block, ends[1], WIDTHS[2], blocks[2], 2)
        self.layer4 = _stage(block, ends[2], WIDTHS[3], blocks[3], 2)
        self.f0, self.f1, self.f2, self.f3, self.f4, self.f4_first, self.pooled = (Tap() for _ in range(7))
        self.linear = nn.Linear(ends[3], frame.classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @property
    def head(self) -> nn.Linear:
        """The classifier."""
        return self.linear

    def logits(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of normalized images (B, C, H, W)."""
        x = self.f0(self.relu(self.bn1(self.conv1(x))))
        x = self.f1(self.layer1(x))
        x = self.f2(self.layer2(x))
        x = self.f3(self.layer3(x))
        x = self.f4(through(self.layer4, self.f4_first, x))
        return self.linear(self.pooled(x.mean((2, 3))))


def _projection(wide_in: int, wide: int, stride: int) -> nn.Sequential:
    """A 1x1 convolution with BN where the shape changes, else nothing."""
    if stride == 1 and wide_in == wide:
        return nn.Sequential()
    return nn.Sequential(nn.Conv2d(wide_in, wide, 1, stride, bias=False), nn.BatchNorm2d(wide))


def _stage(block: type[Basic] | type[Bottleneck], wide_in: int, wide: int, blocks: int, stride: int) -> nn.Sequential:
    first = block(wide_in, wide, stride)
    return nn.Sequential(first, *(block(wide * block.grows, wide, 1) for _ in range(blocks - 1)))


def _places(blocks: tuple[int, int, int, int], norm: str) -> dict[str, Place]:
    main = {name: Place(name, "input") for name in ("f0", "f1", "f2", "f3", "f4", "pooled")}
    lasts = {i: f"layer{i}.{count - 1}" for i, count in enumerate(blocks, 1)}
    before = {f"f{i}_pre": Place(f"{last}.relu", "input", norm=f"{last}.{norm}") for i, last in lasts.items()}
    return main | before | {"f4_first": Place("f4_first", "input")}


def _design(depth: int, block: type[Basic] | type[Bottleneck], blocks: tuple[int, int, int, int]) -> Design:
    kind = "basic blocks" if block is Basic else "bottlenecks"
    return Design(
        key=f"resnet{depth}",
        title=f"ResNet-{depth}",
        summary=f"{depth} layers in four stages of {kind}, {64 * block.grows} to {512 * block.grows} channels; made for "
        "ImageNet, here with a stem for small images.",
        family="ResNet of four stages",
        smallest=8,
        make=partial(DeepResNet, block=block, blocks=blocks),
        source="He et al. 2015, arXiv 1512.03385; the stem as in the public CIFAR model zoos",
    )


NETS = (_design(18, Basic, (2, 2, 2, 2)), _design(50, Bottleneck, (3, 4, 6, 3)))
"""ResNet-18 is ReffAKD's student; ResNet-50 a common teacher of nets of another kind."""
