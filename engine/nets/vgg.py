"""VGG with batch normalization for small images (Simonyan and Zisserman 2014, arXiv 1409.1556), with one linear layer.

Five blocks of 3x3 convolutions with bias, each with BN and ReLU; 2x2 max-pooling after the first three and, for images of
64 pixels, after the fourth; average over the map. Module names are those of the public distillation libraries.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.nets.net import Design, Frame, Net, Place, Tap

Blocks = tuple[int, int, int, int, int]

WIDTHS = (64, 128, 256, 512, 512)
DEPTHS: dict[int, Blocks] = {
    8: (1, 1, 1, 1, 1),
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}
"""Depth as the networks are called -> convolutions in each block."""
POOLED_AT_64 = 64
"""The side of images whose fourth block is pooled, too, as in the distillation literature on Tiny-ImageNet."""


class VGG(Net):
    """A VGG with so many convolutions in each block. Convolutions begin as N(0, 2/(k² C_out)), the classifier as
    N(0, 0.01²), biases at 0."""

    def __init__(self, frame: Frame, blocks: Blocks) -> None:
        super().__init__(frame, _places(blocks))
        wide_in = (frame.channels, *WIDTHS)
        self.block0, self.block1, self.block2, self.block3, self.block4 = (
            _block(wide_in[i], wide, count) for i, (wide, count) in enumerate(zip(WIDTHS, blocks))
        )
        self.f0, self.f1, self.f2, self.f3, self.f4, self.pooled = Tap(), Tap(), Tap(), Tap(), Tap(), Tap()
        self.relu0, self.relu1, self.relu2, self.relu3, self.relu4 = (nn.ReLU() for _ in range(5))  # their inputs are taps
        self.classifier = nn.Linear(WIDTHS[-1], frame.classes)
        begin(self)

    @property
    def head(self) -> nn.Linear:
        """The classifier."""
        return self.classifier

    def logits(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of normalized images (B, C, H, W)."""
        side = x.shape[2]
        x = self.f0(self.relu0(self.block0(x)))
        x = self.f1(self.relu1(self.block1(F.max_pool2d(x, 2))))
        x = self.f2(self.relu2(self.block2(F.max_pool2d(x, 2))))
        x = self.f3(self.relu3(self.block3(F.max_pool2d(x, 2))))
        x = self.f4(self.relu4(self.block4(F.max_pool2d(x, 2) if side == POOLED_AT_64 else x)))
        return self.classifier(self.pooled(x.mean((2, 3))))


def begin(net: nn.Module) -> None:
    """Draw the weights as VGG and MobileNetV2 of the distillation literature do."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, 0, math.sqrt(2 / (module.kernel_size[0] ** 2 * module.out_channels)))
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
        if isinstance(module, (nn.Conv2d, nn.Linear)) and isinstance(module.bias, torch.Tensor):
            nn.init.zeros_(module.bias)


def _block(wide_in: int, wide: int, count: int) -> nn.Sequential:
    """Convolutions with BN, and ReLU between them; that after the last one is the net's, for its input is a tap."""
    layers: list[nn.Module] = []
    for i in range(count):
        layers += [nn.Conv2d(wide_in if i == 0 else wide, wide, 3, 1, 1), nn.BatchNorm2d(wide), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


def _places(blocks: Blocks) -> dict[str, Place]:
    main = {name: Place(name, "input") for name in ("f0", "f1", "f2", "f3", "f4", "pooled")}
    before = {f"f{i}_pre": Place(f"block{i}", "output", norm=f"block{i}.{3 * blocks[i] - 2}") for i in range(1, 5)}
    return main | before


def _design(depth: int) -> Design:
    return Design(
        key=f"vgg{depth}",
        title=f"VGG-{depth}",
        summary=f"{sum(DEPTHS[depth])} convolutions with bias and batch normalization in five blocks, 64 to 512 channels.",
        family="VGG",
        smallest=8,
        make=partial(VGG, blocks=DEPTHS[depth]),
        source="Simonyan and Zisserman 2014, arXiv 1409.1556; as in Tian et al. 2020, arXiv 1910.10699",
    )


NETS = tuple(_design(depth) for depth in DEPTHS)
"""The depths that the distillation literature uses."""
