"""Known normalizations: the constants by which nets were trained to shift and scale pixels in [0, 1]."""

from __future__ import annotations

from collections.abc import Mapping

Constants = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel."""

KNOWN: Mapping[str, Constants] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "cifar100": ((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
    "half": ((0.5,), (0.5,)),
    "none": ((0.0,), (1.0,)),
}
"""What torchvision's models take, what the public CIFAR libraries take, .5 for all channels, and pixels as they are."""

CHOICES = ("auto", "dataset", *KNOWN)
TITLES = {"dataset": "the dataset's own", "imagenet": "ImageNet's", "cifar10": "CIFAR-10's", "cifar100": "CIFAR-100's",
          "half": "0.5 for mean and deviation", "none": "pixels as they are"}  # fmt: skip


def constants(name: str, channels: int) -> Constants | None:
    """The constants of a known normalization for images of so many channels; None where it has another number of them."""
    mean, std = KNOWN[name]
    if len(mean) == 1:
        return mean * channels, std * channels
    return (mean, std) if len(mean) == channels else None


def alike(one: Constants, other: Constants) -> bool:
    """Whether two normalizations are the same but for a few thousandths, which no net tells apart."""
    return all(abs(a - b) < 0.004 for first, second in zip(one, other, strict=True) for a, b in zip(first, second, strict=True))
