"""MNIST (LeCun et al. 1998): 70 000 handwritten digits, read from the official files or downloaded."""

from __future__ import annotations

from engine.cards import DatasetCard
from engine.data import idx
from engine.data.courier import Courier
from engine.data.pictures import Source
from engine.experiment import DatasetSettings

CARD = DatasetCard(
    key="mnist",
    title="MNIST",
    summary="70 000 handwritten digits, grey, 28x28 pixels; read from disk or downloaded on first use.",
    classes=10,
    channels=1,
    size=28,
    train_images=60_000,
    test_images=10_000,
    needs_folder=False,
    licence="CC BY-SA 3.0",
    home="http://yann.lecun.com/exdb/mnist/",
)

CLASSES = tuple("0123456789")

REMOTES = idx.published(
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    ("f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
    ("d53e105ee54ea40749a09fcbcd1e9432", 28_881),
    ("9fb629c4189551a2d022fa330f9573f3", 1_648_877),
    ("ec29112dd5afa0611ce80d1b7f02629c", 4_542),
)
"""The mirror and the checksums that torchvision uses; the original server no longer answers reliably."""


def read(settings: DatasetSettings, courier: Courier) -> Source:
    """The official training and test images, from `settings.root` or the library's own download folder."""
    return idx.source(CARD, CLASSES, "MNIST", REMOTES, settings, courier)
