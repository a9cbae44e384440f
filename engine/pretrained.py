"""torchvision's published weights by the name of their net: address, checksum, classes and normalization."""

from __future__ import annotations

from dataclasses import dataclass

from engine import nets
from engine.downloads import Remote
from engine.normalization import Constants


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
    if not key.startswith(nets.TORCHVISION):
        raise PretrainedError(f"torchvision publishes no weights of {key}; choose one of its nets, {nets.TORCHVISION}<name>")
    try:
        found = nets.torchvision_weights(key)
    except nets.NetError as error:
        raise PretrainedError(str(error)) from error
    if not found.sha256:
        raise PretrainedError(f"torchvision gives no checksum of {found.name}; download it yourself and use source: file")
    return Weights(
        name=f"{found.name} of torchvision", remote=Remote(found.url, sha256=found.sha256), file=found.file,
        classes=found.classes, constants=(found.mean, found.std),
    )  # fmt: skip
