"""The ResNets for small images of He et al. 2015 (arXiv 1512.03385, section 4.2).

Shortcuts are projections, as in the distillation literature; the variant `padded` has the zero-padding shortcuts of the
paper (its option A), for checkpoints of that kind.

Depth 6n+2: a 3x3 stem, three stages of n basic blocks (strides 1, 2, 2), average over the map, one linear layer.
Module names are those of the public CIFAR model zoos, so their checkpoints load and ours load there.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from engine.nets.net import Design, Frame, Net, Place, Tap, through

SMALLEST = 4
PADDED = "padded"
PLAIN = (16, 16, 32, 64)
WIDE = (32, 64, 128, 256)


class Block(nn.Module):
    """conv-BN-ReLU-conv-BN plus shortcut, ReLU; the shortcut is a 1x1 convolution with BN where the shape changes, or, where
    `padded`, every `stride`-th position with channels of zeros on both sides."""

    def __init__(self, wide_in: int, wide: int, stride: int, padded: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(wide_in, wide, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(wide)
        self.downsample = nn.Sequential()
        if (stride != 1 or wide_in != wide) and padded:
            self.downsample.append(Padding(wide_in, wide, stride))
        elif stride != 1 or wide_in != wide:
            self.downsample.append(nn.Conv2d(wide_in, wide, 1, stride, bias=False))
            self.downsample.append(nn.BatchNorm2d(wide))
        self.relu = nn.ReLU()  # one for both places, which so share a quantizer; not in place: its last input is a tap

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C, H/stride, W/stride)."""
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)) + self.downsample(x))


class Padding(nn.Module):
    """A shortcut without weights: every `stride`-th position, and half of the missing channels as zeros before and half
    after those there are."""

    def __init__(self, wide_in: int, wide: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.before = (wide - wide_in) // 2
        self.after = wide - wide_in - self.before

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C, H/stride, W/stride)."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.after))


class ResNet(Net):
    """A ResNet of `depth` layers with `widths` of stem and three stages."""

    def __init__(self, frame: Frame, depth: int, widths: tuple[int, int, int, int]) -> None:
        blocks, rest = divmod(depth - 2, 6)
        if rest or blocks < 1:
            raise ValueError(f"a ResNet for small images has 6n+2 layers, not {depth}")
        super().__init__(frame, _places(blocks))
        self.conv1 = nn.Conv2d(frame.channels, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU(inplace=True)
        padded = frame.variant == PADDED
        self.layer1 = _stage(widths[0], widths[1], blocks, 1, padded)
        self.layer2 = _stage(widths[1], widths[2], blocks, 2, padded)
        self.layer3 = _stage(widths[2], widths[3], blocks, 2, padded)
        self.f0, self.f1, self.f2, self.f3, self.f3_first, self.pooled = Tap(), Tap(), Tap(), Tap(), Tap(), Tap()
        self.fc = nn.Linear(widths[3], frame.classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @property
    def head(self) -> nn.Linear:
        """The classifier."""
        return self.fc

    def logits(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of normalized images (B, C, H, W)."""
        x = self.f0(self.relu(self.bn1(self.conv1(x))))
        x = self.f1(self.layer1(x))
        x = self.f2(self.layer2(x))
        x = self.f3(through(self.layer3, self.f3_first, x))
        return self.fc(self.pooled(x.mean((2, 3))))


def _stage(wide_in: int, wide: int, blocks: int, stride: int, padded: bool) -> nn.Sequential:
    first = Block(wide_in, wide, stride, padded)
    return nn.Sequential(first, *(Block(wide, wide, 1, padded) for _ in range(blocks - 1)))


def _places(blocks: int) -> dict[str, Place]:
    main = {name: Place(name, "input") for name in ("f0", "f1", "f2", "f3", "pooled")}
    before = {f"f{i}_pre": Place(f"layer{i}.{blocks - 1}.relu", "input", norm=f"layer{i}.{blocks - 1}.bn2") for i in (1, 2, 3)}
    return main | before | {"f3_first": Place("f3_first", "input")}


def _design(depth: int, wide: bool) -> Design:
    return Design(
        key=f"resnet{depth}{'x4' if wide else ''}",
        title=f"ResNet-{depth}{'x4' if wide else ''}",
        summary=f"{depth} layers in three stages of basic blocks, {'four times as wide' if wide else '16 to 64 channels'}.",
        family="ResNet for small images",
        smallest=SMALLEST,
        make=partial(ResNet, depth=depth, widths=WIDE if wide else PLAIN),
        source="He et al. 2015, arXiv 1512.03385; widths x4 as in Tian et al. 2020, arXiv 1910.10699",
        variants=(PADDED,),
    )


NETS = (
    *(_design(depth, wide=False) for depth in (8, 14, 20, 32, 44, 56, 110)),
    *(_design(depth, wide=True) for depth in (8, 32)),
)
"""The depths that the distillation literature uses."""
