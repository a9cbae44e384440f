"""torchvision's published weights by the name of their net: address, checksum, classes and normalisation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from engine.downloads import Remote
from engine.knobs import did_you_mean
from engine.nets import TORCHVISION
from engine.normalisation import Constants


class PretrainedError(ValueError):
    """A net for which torchvision publishes no weights; the sentence says so."""


@dataclass(frozen=True)
class Weights:
    """One set of weights: `name` as torchvision has it, the file it is kept as, its classes in the order of the outputs."""

    name: str
    remote: Remote
    file: str
    classes: tuple[str, ...]
    constants: Constants


def weights(key: str) -> Weights:
    """The weights torchvision prefers for its net `torchvision.<name>`, trained on ImageNet; the digits in the file's name
    are the beginning of its sha256. Raises PretrainedError."""
    from torchvision import models

    if not key.startswith(TORCHVISION):
        raise PretrainedError(f"torchvision publishes no weights of {key}; choose one of its nets, {TORCHVISION}<name>")
    name = key.removeprefix(TORCHVISION)
    known = models.list_models(module=models)
    if name not in known:
        raise PretrainedError(f"torchvision has no net {name!r}{did_you_mean(name, known)}")
    best: Any = models.get_model_weights(name).DEFAULT  # type: ignore[attr-defined]
    found = re.search(r"-([0-9a-f]{8,})\.", best.url)
    if found is None:
        raise PretrainedError(f"torchvision gives no checksum of {best}; download it yourself and use source: file")
    transforms: Any = best.transforms()
    return Weights(
        name=f"{best} of torchvision",
        remote=Remote(best.url, sha256=found[1]),
        file=best.url.rpartition("/")[2],
        classes=tuple(best.meta["categories"]),
        constants=(tuple(transforms.mean), tuple(transforms.std)),
    )
