"""ShuffleNet V1 (Zhang et al. 2017, arXiv 1707.01083) and V2 (Ma et al. 2018, arXiv 1807.11164) for small images.

Both begin with a 1x1 convolution to 24 channels without stride, have three stages that halve the side, and average over
the map. Module names are those of the public distillation libraries; weights begin as PyTorch draws them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.nets.net import Design, Frame, Net, Place, Tap, through

STEM = 24


def shuffled(x: Tensor, groups: int) -> Tensor:
    """(B, C, H, W) with its channels dealt out anew: of g groups of C/g channels, first the firsts, then the seconds."""
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)


class Unit(nn.Module):
    """V1: 1x1 in groups, shuffle, 3x3 by channel, 1x1 in groups; with stride 2 the averaged input is appended, else the
    input is added; ReLU. The first convolution is not in groups where it reads the stem."""

    def __init__(self, wide_in: int, wide: int, stride: int, groups: int) -> None:
        super().__init__()
        narrow, self.stride = wide // 4, stride
        self.groups = 1 if wide_in == STEM else groups
        self.conv1 = nn.Conv2d(wide_in, narrow, 1, groups=self.groups, bias=False)
        self.bn1 = nn.BatchNorm2d(narrow)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, stride, 1, groups=narrow, bias=False)
        self.bn2 = nn.BatchNorm2d(narrow)
        self.conv3 = nn.Conv2d(narrow, wide, 1, groups=groups, bias=False)
        self.bn3 = nn.BatchNorm2d(wide)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C, H, W), or to (B, C_in + C, H/2, W/2) with stride 2."""
        out = shuffled(self.relu(self.bn1(self.conv1(x))), self.groups)
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        both = torch.cat([out, F.avg_pool2d(x, 3, 2, 1)], 1) if self.stride == 2 else out + x
        return self.relu(both)


class Split(nn.Module):
    """V2 without stride: half of the channels pass, the other half goes through 1x1, 3x3 by channel and 1x1; shuffle."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        half = wide // 2
        self.conv1 = nn.Conv2d(half, half, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, half, 3, 1, 1, groups=half, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(half, half, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(half)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        kept, out = x.chunk(2, 1)
        out = self.relu(self.bn1(self.conv1(out)))
        out = self.relu(self.bn3(self.conv3(self.bn2(self.conv2(out)))))
        return shuffled(torch.cat([kept, out], 1), 2)


class Down(nn.Module):
    """V2 with stride 2: all channels through both branches; shuffle."""

    def __init__(self, wide_in: int, wide: int) -> None:
        super().__init__()
        half = wide // 2
        self.conv1 = nn.Conv2d(wide_in, wide_in, 3, 2, 1, groups=wide_in, bias=False)
        self.bn1 = nn.BatchNorm2d(wide_in)
        self.conv2 = nn.Conv2d(wide_in, half, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(wide_in, half, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(half)
        self.conv4 = nn.Conv2d(half, half, 3, 2, 1, groups=half, bias=False)
        self.bn4 = nn.BatchNorm2d(half)
        self.conv5 = nn.Conv2d(half, half, 1, bias=False)
        self.bn5 = nn.BatchNorm2d(half)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C, H/2, W/2)."""
        left = self.relu(self.bn2(self.conv2(self.bn1(self.conv1(x)))))
        right = self.relu(self.bn3(self.conv3(x)))
        right = self.relu(self.bn5(self.conv5(self.bn4(self.conv4(right)))))
        return shuffled(torch.cat([left, right], 1), 2)


class ShuffleNet(Net):
    """What both have in common: stem, three stages, pooling, classifier."""

    def __init__(self, frame: Frame, stages: tuple[nn.Sequential, nn.Sequential, nn.Sequential], wide: int) -> None:
        super().__init__(frame, {name: Place(name, "input") for name in ("f0", "f1", "f2", "f3", "last", "pooled", "f3_first")})
        self.conv1 = nn.Conv2d(frame.channels, STEM, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM)
        self.relu = nn.ReLU(inplace=True)
        self.layer1, self.layer2, self.layer3 = stages
        self.f0, self.f1, self.f2, self.f3, self.f3_first, self.last, self.pooled = (Tap() for _ in range(7))
        self.linear = nn.Linear(wide, frame.classes)

    @property
    def head(self) -> nn.Linear:
        """The classifier."""
        return self.linear

    def last_map(self, x: Tensor) -> Tensor:
        """The map that is averaged, from the last stage's."""
        return x

    def logits(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of normalized images (B, C, H, W)."""
        x = self.f0(self.relu(self.bn1(self.conv1(x))))
        x = self.f1(self.layer1(x))
        x = self.f2(self.layer2(x))
        x = self.f3(through(self.layer3, self.f3_first, x))
        return self.linear(self.pooled(self.last(self.last_map(x)).mean((2, 3))))


class ShuffleNetV1(ShuffleNet):
    """Three groups; stages of 240, 480 and 960 channels with 4, 8 and 4 units, the first of each with stride 2."""

    def __init__(self, frame: Frame) -> None:
        widths = (STEM, 240, 480, 960)
        stages = tuple(self._stage(a, b, count) for a, b, count in zip(widths, widths[1:], (4, 8, 4)))
        super().__init__(frame, stages, widths[-1])  # type: ignore[arg-type]

    @staticmethod
    def _stage(wide_in: int, wide: int, count: int) -> nn.Sequential:
        first = Unit(wide_in, wide - wide_in, 2, groups=3)
        return nn.Sequential(first, *(Unit(wide, wide, 1, groups=3) for _ in range(count - 1)))


class ShuffleNetV2(ShuffleNet):
    """Width 1: stages of 116, 232 and 464 channels with one unit of stride 2 and 3, 7 and 3 others; 1x1 to 1024."""

    def __init__(self, frame: Frame) -> None:
        widths = (STEM, 116, 232, 464)
        stages = tuple(self._stage(a, b, count) for a, b, count in zip(widths, widths[1:], (3, 7, 3)))
        super().__init__(frame, stages, 1024)  # type: ignore[arg-type]
        self.conv2 = nn.Conv2d(widths[-1], 1024, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(1024)
        self.relu2 = nn.ReLU(inplace=True)

    @staticmethod
    def _stage(wide_in: int, wide: int, count: int) -> nn.Sequential:
        return nn.Sequential(Down(wide_in, wide), *(Split(wide) for _ in range(count)))

    def last_map(self, x: Tensor) -> Tensor:
        """A 1x1 convolution to 1024 channels with BN and ReLU."""
        return self.relu2(self.bn2(self.conv2(x)))


NETS = (
    Design(
        key="shufflenetv1",
        title="ShuffleNet V1",
        summary="1x1 convolutions in three groups whose channels are shuffled, 240 to 960 channels.",
        family="ShuffleNet",
        smallest=8,
        make=ShuffleNetV1,
        source="Zhang et al. 2017, arXiv 1707.01083; as in Tian et al. 2020, arXiv 1910.10699",
    ),
    Design(
        key="shufflenetv2",
        title="ShuffleNet V2",
        summary="Half of the channels pass each block untouched, then all are shuffled; 116 to 464 channels.",
        family="ShuffleNet",
        smallest=8,
        make=ShuffleNetV2,
        source="Ma et al. 2018, arXiv 1807.11164; as in Tian et al. 2020, arXiv 1910.10699",
    ),
)
