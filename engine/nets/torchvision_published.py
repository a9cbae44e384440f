"""What torchvision publishes of each of its classifiers: where the weights lie and what they expect and know."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.nets import torchvision_nets
from engine.nets.net import NetError


@dataclass(frozen=True)
class Pretrained:
    """Published weights of a net. `sha256` are the first digits of the file's checksum, `side` the images' side they were
    evaluated at, `top1` their accuracy on ImageNet in percent; pixels in [0, 1] are normalized by `mean` and `std`."""

    key: str
    name: str
    url: str
    sha256: str
    megabytes: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    classes: tuple[str, ...]
    side: int
    top1: float
    licence: str
    home: str

    @property
    def file(self) -> str:
        """The file's name, as torchvision's own cache has it."""
        return self.url.rpartition("/")[2]


HALF = (0.5, 0.5, 0.5)
TURNED = r"googlenet|inception"
"""Nets whose published weights were trained on pixels in [-1, 1]: torchvision turns images from ImageNet's normalization
into that inside the net, here the net carries it itself."""


def published(key: str) -> Pretrained:
    """The published weights of `torchvision.<name>`, the newest that take the net's own side. Raises NetError for a name
    torchvision does not have, and where it publishes no weights."""
    from torchvision import models

    name, exact = torchvision_nets.known(key), torchvision_nets.design(key).exact
    offered = list(models.get_model_weights(name))
    best = models.get_model_weights(name).DEFAULT if offered else None
    fitting = [best, *reversed(offered)] if best else []
    weights = next((w for w in fitting if not exact or w.transforms().crop_size == [exact]), None)
    if weights is None:
        raise NetError(f"torchvision publishes no weights of {name}; choose another net, or another source of its weights")
    transforms, meta = weights.transforms(), weights.meta
    turned = re.match(TURNED, name) is not None
    digits = re.search(r"-([0-9a-f]{8,})\.pth$", weights.url)
    return Pretrained(
        key=key, name=str(weights), url=weights.url, sha256=digits[1] if digits else "",
        megabytes=meta["_file_size"], mean=HALF if turned else tuple(transforms.mean),
        std=HALF if turned else tuple(transforms.std), classes=tuple(meta["categories"]), side=transforms.crop_size[0],
        top1=meta["_metrics"]["ImageNet-1K"]["acc@1"], licence=meta.get("license", "BSD-3-Clause"),
        home=meta.get("recipe", "https://pytorch.org/vision"),
    )  # fmt: skip
