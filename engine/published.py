"""Published teachers by name: where they lie, their checksum and licence, and the constants they were trained with.

From chenyaofo/pytorch-cifar-models (BSD-3-Clause). The publisher gives the first eight digits of each file's sha256 in its
name; whole checksums are those recorded independently by projects that check the same files. Normalization is what the
training logs of the publisher say. The test images chose these checkpoints, so their accuracies flatter them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

RELEASES = "https://github.com/chenyaofo/pytorch-cifar-models/releases/download/resnet"
SOURCE = "chenyaofo/pytorch-cifar-models"
AUTO = "auto"


@dataclass(frozen=True)
class Published:
    """A teacher somebody published: address, sha256 (whole, or its published beginning) and size of its file (0: unknown),
    top-1 in percent on the test images of `dataset`, `mean` and `std` of its own normalization, the names of its classes.
    `weights` is the `engine.sources.fingerprint` of its tensors where known, which tells it also in a file saved anew."""

    name: str
    net: str
    dataset: str
    url: str
    sha256: str
    top1: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: tuple[str, ...]
    weights: str = ""
    bytes: int = 0
    licence: str = "BSD-3-Clause"
    source: str = SOURCE

    @property
    def file(self) -> str:
        """The name under which it is kept."""
        return self.url.rpartition("/")[2]

    def facts(self) -> str:
        """What there is to know of it, in a line."""
        return f"{self.top1:.2f} % on {self.dataset}, as published by {self.source}; {self.licence}"


CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_CIFAR100 = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
    forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
    mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
    sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
    willow_tree wolf woman worm
"""
CIFAR100 = tuple(_CIFAR100.split())


def _cifar10(net: str, sha256: str, size: int, top1: float) -> Published:
    """A teacher of CIFAR-10; the file's name holds the first digits of its sha256."""
    return Published(
        f"cifar10-{net}", net, "cifar10", f"{RELEASES}/cifar10_{net}-{sha256[:8]}.pt", sha256, top1,
        mean=(0.4914, 0.4822, 0.4465), std=(0.2023, 0.1994, 0.2010), classes=CIFAR10, bytes=size,
    )  # fmt: skip


def _cifar100(net: str, sha256: str, weights: str, top1: float) -> Published:
    """A teacher of CIFAR-100, likewise."""
    return Published(
        f"cifar100-{net}", net, "cifar100", f"{RELEASES}/cifar100_{net}-{sha256[:8]}.pt", sha256, top1,
        mean=(0.5070, 0.4865, 0.4409), std=(0.2673, 0.2564, 0.2761), classes=CIFAR100, weights=weights,
    )  # fmt: skip


TEACHERS: dict[str, Published] = {
    p.name: p
    for p in (
        _cifar10("resnet20", "4118986f0df73003d572b0e397f0ac7b3f60af1f31aff3d2da164536e36f6ec8", 1_139_055, 92.60),
        _cifar10("resnet32", "ef93fc4d3ea83c08d75bfd6fc31af56047cfa241608c9ba3a1f6dc11cca20dd9", 1_944_567, 93.53),
        _cifar10("resnet44", "2a3cabcb", 2_750_015, 94.01),
        _cifar10("resnet56", "187c023aee0c9cf3093a682d9447a538cbaf5489f7ae78a7df4edf2246ce380b", 3_555_463, 94.37),
        _cifar100(
            "resnet20",
            "23dac2f1bc53fd65b9fd0bd30a46f91ab39fa16505430cc7999662237598209d",
            "d5fc7151b779bc75759400a2a52564c700f0838e1a2ce107ea90c6021f7b269f",
            68.83,
        ),
        _cifar100(
            "resnet32",
            "84213ce69c556d1e3b983dc13d154a92d4132113592eae55215a656f62bfb896",
            "cbf72d9f4bb5a1948551727d72f360e81047df680f76294b9678396cb9eb2c32",
            70.16,
        ),
        _cifar100("resnet44", "ffe32858", "0de21cbc1f99fe8adda9b451772c69607d3b86b7fce68ff9d91c62ddd7576317", 71.63),
        _cifar100(
            "resnet56",
            "f2eff4c8461ca1e0d39af83a65f7243bf7d29ec421efee3064bcee93a3caaa73",
            "db75204d990f700352400bc4063cbf86f4b4ba14415437cef764da826e382541",
            72.63,
        ),
    )
}
"""Every published teacher by its name."""


def names() -> tuple[str, ...]:
    """The published teachers."""
    return tuple(TEACHERS)


def chosen(name: str, net: str, dataset: str) -> Published | None:
    """The teacher of that name; `auto` is the one published for the net and the dataset. None where there is none."""
    return TEACHERS.get(f"{dataset}-{net}" if name == AUTO else name)


def of_net(net: str) -> tuple[Published, ...]:
    """Everything published for a net."""
    return tuple(p for p in TEACHERS.values() if p.net == net)


def recognized(net: str, fingerprint: str) -> Published | None:
    """The published teacher that has exactly these weights; None for any others."""
    return next((p for p in of_net(net) if p.weights and p.weights == fingerprint), None)


def listed(teachers: Iterable[Published]) -> str:
    """Their names in a row."""
    return ", ".join(p.name for p in teachers)
