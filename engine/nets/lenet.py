"""LeNet-5 with batch normalization, as the ReffAKD experiments on Fashion-MNIST use it: 61,750 parameters for one
channel and ten classes."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from engine.nets.net import Design, Frame, Net, Place, Tap

SIDE = 32


class LeNet5(Net):
    """Two 5x5 convolutions with BN, ReLU and 2x2 max-pooling, then linear layers 400-120-84-classes; takes 32x32 only.

    Taps: `conv1` (6, 14, 14) and `conv2` (16, 5, 5) after pooling, `pooled` (84,) before the classifier.
    Initialization is PyTorch's default.
    """

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame, {"conv1": Place("after1", "input"), "conv2": Place("after2", "input"),
                                 "pooled": Place("pooled", "input")})  # fmt: skip
        self.conv1 = nn.Conv2d(frame.channels, 6, 5)
        self.bn1 = nn.BatchNorm2d(6)
        self.after1 = Tap()
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.bn2 = nn.BatchNorm2d(16)
        self.after2 = Tap()
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.pooled = Tap()
        self.fc3 = nn.Linear(84, frame.classes)
        self.relu1, self.relu2, self.relu3, self.relu4 = (nn.ReLU(inplace=True) for _ in range(4))

    @property
    def head(self) -> nn.Linear:
        """The classifier."""
        return self.fc3

    def logits(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of normalized images (B, C, 32, 32)."""
        x = self.after1(F.max_pool2d(self.relu1(self.bn1(self.conv1(x))), 2))
        x = self.after2(F.max_pool2d(self.relu2(self.bn2(self.conv2(x))), 2))
        x = self.relu3(self.fc1(x.flatten(1)))
        x = self.relu4(self.fc2(x))
        return self.fc3(self.pooled(x))


NETS = (
    Design(
        key="lenet5",
        title="LeNet-5 with BN",
        summary="Two 5x5 convolutions with batch normalization and three linear layers.",
        family="LeNet",
        smallest=SIDE,
        exact=SIDE,
        make=LeNet5,
        source="LeCun et al. 1998; batch normalization as in the ReffAKD experiments, arXiv 2404.09886",
    ),
)
