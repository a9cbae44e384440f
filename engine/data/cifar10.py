"""CIFAR-10 (Krizhevsky 2009): 60 000 colour photographs of 32x32 pixels in ten classes."""

from __future__ import annotations

from engine.cards import DatasetCard
from engine.data import cifar
from engine.data.courier import Courier
from engine.data.pictures import Source
from engine.experiment import DatasetSettings

CARD = DatasetCard(
    key="cifar10",
    title="CIFAR-10",
    summary="60 000 colour photographs of 32x32 pixels in ten classes; read from disk or downloaded on first use.",
    classes=10,
    channels=3,
    size=32,
    train_images=50_000,
    test_images=10_000,
    needs_folder=False,
    licence="none stated; published for research",
    home=cifar.HOME,
)

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

LAYOUT = cifar.Layout(
    card=CARD,
    classes=CLASSES,
    binary=cifar.Form(
        "cifar-10-batches-bin",
        "cifar-10-binary.tar.gz",
        (tuple(f"data_batch_{n}.bin" for n in range(1, 6)), ("test_batch.bin",)),
    ),
    python=cifar.Form(
        "cifar-10-batches-py", "cifar-10-python.tar.gz", (tuple(f"data_batch_{n}" for n in range(1, 6)), ("test_batch",))
    ),
    labels=1,
    key="labels",
    remote=cifar.published("cifar-10-binary.tar.gz", md5="c32a1d4ab5d03f1284b67883e8d87530", size=170_052_171),
)
"""Names as the archives have them; address and checksum as its author publishes them."""


def read(settings: DatasetSettings, courier: Courier) -> Source:
    """The official training and test images, from `settings.root` or the library's own download folder."""
    return cifar.source(LAYOUT, settings, courier)
