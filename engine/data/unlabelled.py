"""Any images without classes, for teachers to speak about: what a student needs who learns from a teacher alone."""

from __future__ import annotations

import torch

from engine.cards import DatasetCard
from engine.data import folder, listing
from engine.data.courier import Courier
from engine.data.images import Files
from engine.data.pictures import Pile, Source
from engine.decoding.images import DataError
from engine.experiment import DatasetSettings

CARD = DatasetCard(
    key="unlabelled",
    title="Images without labels",
    summary="A folder of images of any kind, without classes: the teacher says what they are, and names the classes.",
    classes=0,
    channels=0,
    size=0,
    train_images=0,
    test_images=0,
    needs_folder=True,
    labelled=False,
)

FEWEST = 2


def read(settings: DatasetSettings, courier: Courier) -> Source:
    """All images in and under `settings.root`; those of `settings.test_root`, a folder for each class, are the test."""
    root = folder.rooted("dataset.root", settings.root)
    names = listing.images(root)
    if len(names) < FEWEST:
        raise DataError(f"dataset.root: {root} holds too few images ({len(names)}); choose a folder with images")
    seen = listing.look(root, names, settings, courier)
    train = Pile(torch.zeros(len(names), dtype=torch.long), Files.of(root, names, seen.channels))
    if not settings.test_root:
        return Source(train, None, None, (), seen.side, seen.notes, labelled=False)
    place = folder.rooted("dataset.test_root", settings.test_root)
    classes = listing.classes(place, "dataset.test_root")
    test = folder.pile(place, listing.of_classes(place, "", classes), seen.channels)
    return Source(train, test, None, folder.in_words(place, classes), seen.side, seen.notes, labelled=False)
