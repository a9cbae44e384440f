"""CIFAR-100 (Krizhevsky 2009): 60 000 colour photographs of 32x32 pixels in a hundred classes."""

from __future__ import annotations

from engine.cards import DatasetCard
from engine.data import cifar
from engine.data.courier import Courier
from engine.data.pictures import Source
from engine.experiment import DatasetSettings

CARD = DatasetCard(
    key="cifar100",
    title="CIFAR-100",
    summary="60 000 colour photographs of 32x32 pixels in a hundred classes; read from disk or downloaded on first use.",
    classes=100,
    channels=3,
    size=32,
    train_images=50_000,
    test_images=10_000,
    needs_folder=False,
    licence="none stated; published for research",
    home=cifar.HOME,
)

CLASSES = tuple(
    """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
    forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
    mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy
    porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
    squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
    wardrobe whale willow_tree wolf woman worm
    """.split()  # noqa: SIM905 (a list of a hundred quoted words is no better)
)
"""The fine labels in their official order, which is that of the alphabet."""

LAYOUT = cifar.Layout(
    card=CARD,
    classes=CLASSES,
    binary=cifar.Form("cifar-100-binary", "cifar-100-binary.tar.gz", (("train.bin",), ("test.bin",))),
    python=cifar.Form("cifar-100-python", "cifar-100-python.tar.gz", (("train",), ("test",))),
    labels=2,
    key="fine_labels",
    remote=cifar.published("cifar-100-binary.tar.gz", md5="03b5dce01913d631647c71ecec9e9cb8", size=168_513_733),
)
"""Names as the archives have them; address and checksum as its author publishes them."""


def read(settings: DatasetSettings, courier: Courier) -> Source:
    """The official training and test images, from `settings.root` or the library's own download folder."""
    return cifar.source(LAYOUT, settings, courier)
