"""MobileNetV2 at half width for small images (Sandler et al. 2018, arXiv 1801.04381), with ReLU as the distillation
literature has it. Module names are those of the public distillation libraries."""

from __future__ import annotations

from torch import Tensor, nn

from engine.nets.net import Design, Frame, Net, Place, Tap, through
from engine.nets.vgg import begin

STEM = 16
GROUPS = ((1, 8, 1, 1), (6, 12, 2, 1), (6, 16, 3, 2), (6, 32, 4, 2), (6, 48, 3, 1), (6, 80, 3, 2), (6, 160, 1, 1))
"""Expansion, width, blocks and first stride of each group."""
LAST = 1280


class Inverted(nn.Module):
    """1x1 convolution that expands, 3x3 by channel, 1x1 that narrows without activation; with the input added where the
    shape stays."""

    def __init__(self, wide_in: int, wide: int, stride: int, expansion: int) -> None:
        super().__init__()
        inside = wide_in * expansion
        self.adds = stride == 1 and wide_in == wide
        self.conv = nn.Sequential(
            nn.Conv2d(wide_in, inside, 1, bias=False), nn.BatchNorm2d(inside), nn.ReLU(inplace=True),
            nn.Conv2d(inside, inside, 3, stride, 1, groups=inside, bias=False), nn.BatchNorm2d(inside), nn.ReLU(inplace=True),
            nn.Conv2d(inside, wide, 1, bias=False), nn.BatchNorm2d(wide),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C, H/stride, W/stride)."""
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(Net):
    """Width 0.5, expansion 6, a stem with stride 2. Weights begin as VGG's do.

    Taps: `f0` after the stem, `f1` to `f4` after groups 2, 3, 5 and 7, `f4_first` after the first block of group 6, `last` the
    map of 1280 channels that is averaged.
    """

    def __init__(self, frame: Frame) -> None:
        super().__init__(
            frame, {tap: Place(tap, "input") for tap in ("f0", "f1", "f2", "f3", "f4", "last", "pooled", "f4_first")}
        )
        self.conv1 = _convolution(frame.channels, STEM, 3, 2)
        self.blocks = nn.Sequential()
        wide_in = STEM
        for expansion, wide, count, stride in GROUPS:
            first = Inverted(wide_in, wide, stride, expansion)
            self.blocks.append(nn.Sequential(first, *(Inverted(wide, wide, 1, expansion) for _ in range(count - 1))))
            wide_in = wide
        self.conv2 = _convolution(wide_in, LAST, 1, 1)
        self.f0, self.f1, self.f2, self.f3, self.f4, self.f4_first, self.last, self.pooled = (Tap() for _ in range(8))
        self.classifier = nn.Linear(LAST, frame.classes)
        begin(self)

    @property
    def head(self) -> nn.Linear:
        """The classifier."""
        return self.classifier

    def logits(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of normalized images (B, C, H, W)."""
        x = self.f0(self.conv1(x))
        x = self.f1(self.blocks[1](self.blocks[0](x)))
        x = self.f2(self.blocks[2](x))
        x = self.f3(self.blocks[4](self.blocks[3](x)))
        x = self.f4(self.blocks[6](through(self.blocks[5], self.f4_first, x)))
        return self.classifier(self.pooled(self.last(self.conv2(x)).mean((2, 3))))


def _convolution(wide_in: int, wide: int, kernel: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(wide_in, wide, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(wide), nn.ReLU(inplace=True))


NETS = (
    Design(
        key="mobilenetv2-half",
        title="MobileNetV2, half width",
        summary="Inverted bottlenecks with convolutions by channel, 8 to 160 channels; few multiply-adds.",
        family="MobileNet",
        smallest=16,
        make=MobileNetV2,
        source="Sandler et al. 2018, arXiv 1801.04381; as in Tian et al. 2020, arXiv 1910.10699",
    ),
)
