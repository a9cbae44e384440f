"""Datasets as tensors on the training device. One dataset is one file, which declares `CARD` and
`read(settings, courier)`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch

from engine.cards import DatasetCard
from engine.data.courier import Courier, Tell
from engine.data.loading import assemble
from engine.data.pictures import Pictures, Source
from engine.data.sides import Sides
from engine.data.split import Split
from engine.decoding.images import DataError
from engine.experiment import DatasetSettings
from engine.knobs import did_you_mean

__all__ = ["DataError", "Pictures", "Sides", "Split", "card", "keys", "load", "source"]


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


def source(settings: DatasetSettings, courier: Courier) -> Source:
    """The images of the settings' dataset before they are split, resized and put anywhere. Raises DataError, Stopped."""
    found: Source = _file(settings.name).read(settings, courier)
    return found


def load(
    settings: DatasetSettings,
    sides: Sides,
    device: torch.device | str,
    tell: Tell = lambda what, done, total, unit: None,
    stop: Callable[[], bool] = lambda: False,
) -> Pictures:
    """The dataset of the settings on the device, resized to what `sides` takes where it must be; what is larger than the
    device's budget streams there. Close it when done.

    Splits depend on `split_seed` alone, so every run of an experiment sees the same images. `tell(what, done, total, unit)`
    hears how far downloading and decoding are; soon after `stop()` has become true, `Stopped` is raised. Raises DataError
    with a sentence for everything a user can mend: a wrong folder, a broken image, settings that do not fit the images.
    """
    courier = Courier(tell, stop)
    return assemble(source(settings, courier), settings, sides, torch.device(device), courier)
