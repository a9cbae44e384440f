"""Datasets as tensors on the training device. One dataset is one file, which declares `CARD` and `read(settings)`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch

from engine.cards import DatasetCard
from engine.data.loading import assemble
from engine.data.pictures import DataError, Pictures, Sides
from engine.data.split import Split
from engine.experiment import DatasetSettings
from engine.knobs import did_you_mean

__all__ = ["DataError", "Pictures", "Sides", "Split", "card", "keys", "load"]


@cache
def _files() -> Mapping[str, Any]:
    modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    return {module.CARD.key: module for module in modules if hasattr(module, "CARD")}


def _file(key: str) -> Any:
    if key not in _files():
        raise DataError(f"there is no dataset {key!r}{did_you_mean(key, keys()) or '; there are ' + ', '.join(keys())}")
    return _files()[key]


def keys() -> tuple[str, ...]:
    """The datasets that exist."""
    return tuple(_files())


def card(key: str) -> DatasetCard:
    """What the catalogue says of a dataset; reads no data."""
    found: DatasetCard = _file(key).CARD
    return found


def load(settings: DatasetSettings, sides: Sides, device: torch.device | str) -> Pictures:
    """The dataset of the settings as tensors on the device, resized to what `sides` takes where it must be.

    Splits depend on `split_seed` alone, so every run of an experiment sees the same images. Raises DataError with a
    sentence for everything a user can mend: a wrong folder, a broken image, settings that do not fit the images.
    """
    return assemble(_file(settings.name).read(settings), settings, sides, torch.device(device))
