"""Handwritten digits of 8x8 pixels: the embedded dataset, part of scikit-learn, nothing to download."""

from __future__ import annotations

import numpy as np
import torch

from engine.cards import DatasetCard
from engine.data.courier import Courier
from engine.data.images import Loaded
from engine.data.pictures import Pile, Source
from engine.experiment import DatasetSettings

CARD = DatasetCard(
    key="digits",
    title="Digits",
    summary="1797 handwritten digits of 8x8 pixels; comes with the program, split by a seeded, stratified share.",
    classes=10,
    channels=1,
    size=8,
    train_images=1797,
    test_images=0,
    needs_folder=False,
    licence="CC BY 4.0",
    home="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
)

WHITE = 16
"""The brightest grey level of the original images."""


def read(settings: DatasetSettings, courier: Courier) -> Source:
    """All images as one pile; the test part is split off by `settings.split`."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = torch.from_numpy(np.rint(data.images * (255 / WHITE)).astype(np.uint8))[:, None]
    pile = Pile(torch.from_numpy(data.target.astype(np.int64)), Loaded(images))
    return Source(pile, None, None, tuple(str(n) for n in data.target_names), CARD.size)
