"""Fashion-MNIST (Xiao et al. 2017): 70 000 grey pictures of clothes, read from the official files or downloaded."""

from __future__ import annotations

from engine.cards import DatasetCard
from engine.data import idx
from engine.data.courier import Courier
from engine.data.pictures import Source
from engine.experiment import DatasetSettings

CARD = DatasetCard(
    key="fashion-mnist",
    title="Fashion-MNIST",
    summary="70 000 grey pictures of clothes, 28x28 pixels, in ten classes; read from disk or downloaded on first use.",
    classes=10,
    channels=1,
    size=28,
    train_images=60_000,
    test_images=10_000,
    needs_folder=False,
    licence="MIT",
    home="https://github.com/zalandoresearch/fashion-mnist",
)

CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")

REMOTES = idx.published(
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
    ("25c81989df183df01b3e8a0aad5dffbe", 29_515),
    ("bef4ecab320f06d8554ea6380940ec79", 4_422_102),
    ("bb300cfdad3c16e7a12a480ee83cd310", 5_148),
)
"""The addresses and checksums of its authors."""


def read(settings: DatasetSettings, courier: Courier) -> Source:
    """The official training and test images, from `settings.root` or the library's own download folder."""
    return idx.source(CARD, CLASSES, "FashionMNIST", REMOTES, settings, courier)
