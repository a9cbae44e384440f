"""Wide residual networks (Zagoruyko and Komodakis 2016, arXiv 1605.07146): pre-activation, without dropout.

Depth 6n+4: a 3x3 stem alone, three stages of n blocks (strides 1, 2, 2), a last BN and ReLU, average over the map, one
linear layer. The maps f1 to f3 are the raw sums that stages put out; before activation they are what the next batch
normalization makes of them, as the distillation literature compares them; `last` is the activated map that is averaged.
"""

from __future__ import annotations

import math
from functools import partial

from torch import Tensor, nn

from engine.nets.net import Design, Frame, Net, Place, Tap, through


class Block(nn.Module):
    """BN-ReLU-conv-BN-ReLU-conv plus shortcut. Where the width changes the shortcut is a 1x1 convolution of the activated
    input, else the input itself."""

    def __init__(self, wide_in: int, wide: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(wide_in)
        self.conv1 = nn.Conv2d(wide_in, wide, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, 1, 1, bias=False)
        self.downsample = nn.Conv2d(wide_in, wide, 1, stride, bias=False) if wide_in != wide else None
        self.relu = nn.ReLU()  # one for both places; not in place: what BN puts out is a tap

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C, H/stride, W/stride)."""
        active = self.relu(self.bn1(x))
        out = self.relu(self.bn2(self.conv1(active)))
        return self.conv2(out) + (x if self.downsample is None else self.downsample(active))


class WideResNet(Net):
    """A wide ResNet of `depth` layers, `wider` times as wide as 16, 32, 64. Convolutions begin as N(0, 2/(k² C_out)), the
    classifier's bias at 0."""

    dialect = ((r"(?<=^block[123]\.)layer\.", ""), (r"(?<=\.)convShortcut\.", "downsample."))

    def __init__(self, frame: Frame, depth: int, wider: int) -> None:
        blocks, rest = divmod(depth - 4, 6)
        if rest or blocks < 1:
            raise ValueError(f"a wide ResNet has 6n+4 layers, not {depth}")
        super().__init__(frame, _places())
        widths = (16, 16 * wider, 32 * wider, 64 * wider)
        self.conv1 = nn.Conv2d(frame.channels, widths[0], 3, 1, 1, bias=False)
        self.block1 = _stage(widths[0], widths[1], blocks, 1)
        self.block2 = _stage(widths[1], widths[2], blocks, 2)
        self.block3 = _stage(widths[2], widths[3], blocks, 2)
        self.bn1 = nn.BatchNorm2d(widths[3])
        self.relu = nn.ReLU()
        self.f0, self.f1, self.f2, self.f3, self.f3_first, self.last, self.pooled = (Tap() for _ in range(7))
        self.fc = nn.Linear(widths[3], frame.classes)
        nn.init.zeros_(self.fc.bias)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0, math.sqrt(2 / (module.kernel_size[0] ** 2 * module.out_channels)))

    @property
    def head(self) -> nn.Linear:
        """The classifier."""
        return self.fc

    def logits(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of normalized images (B, C, H, W)."""
        x = self.f0(self.conv1(x))
        x = self.f1(self.block1(x))
        x = self.f2(self.block2(x))
        x = self.f3(through(self.block3, self.f3_first, x))
        return self.fc(self.pooled(self.last(self.relu(self.bn1(x))).mean((2, 3))))


def _stage(wide_in: int, wide: int, blocks: int, stride: int) -> nn.Sequential:
    first = Block(wide_in, wide, stride)
    return nn.Sequential(first, *(Block(wide, wide, 1) for _ in range(blocks - 1)))


def _places() -> dict[str, Place]:
    main = {name: Place(name, "input") for name in ("f0", "f1", "f2", "f3", "last", "pooled")}
    norms = {"f1_pre": "block2.0.bn1", "f2_pre": "block3.0.bn1", "f3_pre": "bn1"}
    before = {tap: Place(norm, "output", norm=norm) for tap, norm in norms.items()}
    return main | before | {"f3_first": Place("f3_first", "input")}


def _design(depth: int, wider: int) -> Design:
    return Design(
        key=f"wrn{depth}-{wider}",
        title=f"WRN-{depth}-{wider}",
        summary=f"{depth} layers in three stages of pre-activation blocks, {'twice' if wider == 2 else 'once'} as wide as 16 "
        "to 64 channels.",
        family="Wide ResNet",
        smallest=4,
        make=partial(WideResNet, depth=depth, wider=wider),
        source="Zagoruyko and Komodakis 2016, arXiv 1605.07146; as in Tian et al. 2020, arXiv 1910.10699",
    )


NETS = tuple(_design(depth, wider) for depth in (16, 40) for wider in (1, 2))
"""The depths and widths that the distillation literature uses."""
