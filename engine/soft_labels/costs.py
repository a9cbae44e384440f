"""What a small autoencoder costs beside a teacher: by the rules behind ReffAKD's published ratios, and counted honestly.

The published table compares one forward pass. Its rules, those of torchscan 0.1.2 and recomputed from the architectures:
* model size: bytes of parameters and buffers in MB (2^20), rounded to two digits before they are divided;
* multiply-adds: convolutions and linear layers, two per element a batch norm puts out, and a transposed convolution
  counted per output position, which is four times too many at stride 2.
The honest count has true multiply-adds of convolutions and linear layers, and says what training costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from engine.nets import counts
from engine.soft_labels.autoencoder import Autoencoder

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d)
PLAIN = (nn.Conv1d, nn.Conv2d, nn.Linear)


@dataclass(frozen=True)
class Cost:
    """One net and one image: parameters; size in bytes with buffers; true multiply-adds of convolutions and linear layers;
    elements put out by batch norms; multiply-adds of transposed convolutions if counted per output position."""

    name: str
    parameters: int
    size: int
    multiply_adds: int
    norm_elements: int = 0
    transposed: int = 0
    transposed_by_output: int = 0

    @property
    def megabytes(self) -> float:
        """Size in MB of 2^20 bytes, rounded to two digits as the published table does."""
        return round(self.size / 2**20, 2)

    @property
    def published_multiply_adds(self) -> int:
        """Multiply-adds by the published table's rules."""
        return self.multiply_adds - self.transposed + self.transposed_by_output + 2 * self.norm_elements


@dataclass(frozen=True)
class Ratios:
    """How many times the teacher costs what the autoencoder does, by the published rules and honestly."""

    size: float
    multiply_adds: float
    parameters: float
    true_size: float
    true_multiply_adds: float


def ratios(teacher: Cost, autoencoder: Cost) -> Ratios:
    """Teacher over autoencoder."""
    return Ratios(
        size=teacher.megabytes / autoencoder.megabytes,
        multiply_adds=teacher.published_multiply_adds / autoencoder.published_multiply_adds,
        parameters=teacher.parameters / autoencoder.parameters,
        true_size=teacher.size / autoencoder.size,
        true_multiply_adds=teacher.multiply_adds / autoencoder.multiply_adds,
    )


def measure(name: str, net: nn.Module, shape: tuple[int, ...]) -> Cost:
    """The cost of a net for one image of `shape` (C, H, W); nothing is computed, shapes flow through a copy."""
    ghost = counts.without_storage(net)
    found = {"plain": 0, "norm": 0, "true": 0, "by_output": 0}

    def count(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, NORMS):
            found["norm"] += output[0].numel()
            return
        weight = module.weight.numel()  # type: ignore[union-attr,operator]
        if isinstance(module, TRANSPOSED):
            found["true"] += weight * prod(args[0].shape[2:])
            found["by_output"] += weight * prod(output.shape[2:])
        else:
            found["plain"] += weight * prod(output.shape[2:])

    for module in ghost.modules():
        if isinstance(module, (*PLAIN, *TRANSPOSED, *NORMS)):
            module.register_forward_hook(count)
    with torch.no_grad():
        ghost(torch.empty(1, *shape, device="meta"))
    return Cost(
        name=name,
        parameters=counts.parameters(net),
        size=sum(t.numel() * t.element_size() for t in (*net.parameters(), *_buffers(net))),
        multiply_adds=found["plain"] + found["true"],
        norm_elements=found["norm"],
        transposed=found["true"],
        transposed_by_output=found["by_output"],
    )


def _buffers(net: nn.Module) -> Iterator[Tensor]:
    """Buffers of floating point: batch norms' counters of batches are not what is used."""
    return (b for b in net.buffers() if b.is_floating_point())


def reference_teacher(name: str, shape: tuple[int, int, int], classes: int) -> Cost:
    """The teachers of the published table, ResNet-18 or ResNet-50 with a 3x3 stem, by arithmetic alone.

    The paper's code pools 4 x 4 and flattens what is left, so a side of 64 has a larger linear layer. Smaller sides than
    32 are pooled to one position.
    """
    blocks, deep = {"ResNet-18": ((2, 2, 2, 2), False), "ResNet-50": ((3, 4, 6, 3), True)}[name]
    channels, height, width = shape
    convolutions = list(_convolutions(channels, height, width, blocks, deep))
    out = 2048 if deep else 512
    features = out * max(_shrunk(height, 3) // 4, 1) * max(_shrunk(width, 3) // 4, 1)
    norms = 4 * sum(c.outputs for c in convolutions)
    parameters = sum(c.weights + 2 * c.outputs for c in convolutions) + (features + 1) * classes
    return Cost(
        name=name,
        parameters=parameters,
        size=4 * parameters + 2 * norms,
        multiply_adds=sum(c.weights * c.positions for c in convolutions) + features * classes,
        norm_elements=sum(c.outputs * c.positions for c in convolutions),
    )


@dataclass(frozen=True)
class _Convolution:
    """A convolution followed by a batch norm."""

    weights: int
    outputs: int
    positions: int


def _convolutions(channels: int, height: int, width: int, blocks: tuple[int, ...], deep: bool) -> Iterator[_Convolution]:
    """Every convolution of a CIFAR-style ResNet-18 (basic blocks) or -50 (bottlenecks, stride on the 3x3)."""
    inputs, expansion = 64, 4 if deep else 1
    yield _Convolution(9 * channels * inputs, inputs, height * width)
    for stage, count in enumerate(blocks):
        wide = 64 * 2**stage
        after = _shrunk(height, stage) * _shrunk(width, stage)
        for block in range(count):
            before = after if block or not stage else _shrunk(height, stage - 1) * _shrunk(width, stage - 1)
            outputs = wide * expansion
            if deep:
                yield _Convolution(inputs * wide, wide, before)
                yield _Convolution(9 * wide * wide, wide, after)
                yield _Convolution(wide * outputs, outputs, after)
            else:
                yield _Convolution(9 * inputs * wide, wide, after)
                yield _Convolution(9 * wide * wide, wide, after)
            if inputs != outputs or before != after:
                yield _Convolution(inputs * outputs, outputs, after)
            inputs = outputs


def _shrunk(side: int, times: int) -> int:
    """A side after so many 3x3 convolutions of stride 2 with padding 1."""
    for _ in range(times):
        side = (side + 1) // 2
    return side


@dataclass(frozen=True)
class Setting:
    """One column of the published table."""

    dataset: str
    teacher: str
    shape: tuple[int, int, int]
    classes: int


PUBLISHED = (
    Setting("Fashion-MNIST", "ResNet-18", (1, 32, 32), 10),
    Setting("CIFAR-100", "ResNet-50", (3, 32, 32), 100),
    Setting("Tiny-ImageNet", "ResNet-50", (3, 64, 64), 200),
)
"""The settings whose ratios Doshi & Kim (arXiv 2404.09886) publish: 237 to 533 times in bytes, 354 times in multiply-adds."""


def table(
    own: Autoencoder, shape: tuple[int, int, int], classes: int, images: int, epochs: int, teacher: Cost | None
) -> list[dict[str, Any]]:
    """An autoencoder of images of `shape`, trained for `epochs` on so many `images`, beside a teacher of the published table,
    beside the run's teacher where it has one, and the published ratios recomputed."""
    cost = measure("autoencoder", own, shape)
    beside = reference_teacher("ResNet-50" if shape[0] > 1 else "ResNet-18", shape, classes)
    published = {s: measure("autoencoder", Autoencoder(s.shape[0]), s.shape) for s in PUBLISHED}
    return [
        *rows_beside(beside, cost),
        *([] if teacher is None else rows_beside(teacher, cost)),
        row_of_training(cost, beside, images, epochs),
        *rows_published(published),
    ]


def rows_beside(teacher: Cost, autoencoder: Cost) -> list[dict[str, Any]]:
    """Rows of a table that lay one autoencoder beside one teacher, by the published rules and honestly."""
    found = ratios(teacher, autoencoder)
    a, t = autoencoder, teacher
    return [
        _row(f"parameters, {t.name} / {a.name}", f"{found.parameters:.1f}×", f"{t.parameters:,} / {a.parameters:,}"),
        _row(
            "size by the published rule",
            f"{found.size:.1f}×",
            f"{t.megabytes:.2f} / {a.megabytes:.2f} MB, rounded before dividing; unrounded {found.true_size:.1f}×",
        ),
        _row(
            "multiply-adds by the published rule",
            f"{found.multiply_adds:.1f}×",
            f"{t.published_multiply_adds:,} / {a.published_multiply_adds:,}; counts transposed convolutions per output "
            "position and two per batch-norm element",
        ),
        _row(
            "multiply-adds, true",
            f"{found.true_multiply_adds:.1f}×",
            f"{t.multiply_adds:,} / {a.multiply_adds:,} a forward pass",
        ),
    ]


def rows_published(settings: dict[Setting, Cost]) -> list[dict[str, Any]]:
    """The published ratios recomputed; `settings` maps each column to the cost of its autoencoder."""
    found = []
    for setting, autoencoder in settings.items():
        r = ratios(reference_teacher(setting.teacher, setting.shape, setting.classes), autoencoder)
        found.append(
            _row(
                f"as published: {setting.dataset}, {setting.teacher}",
                f"{r.size:.1f}× bytes · {r.multiply_adds:.1f}× multiply-adds",
                f"recomputed by the paper's rules; true {r.true_size:.1f}× bytes, {r.true_multiply_adds:.1f}× multiply-adds",
            )
        )
    return found


def row_of_training(autoencoder: Cost, teacher: Cost, images: int, epochs: int) -> dict[str, Any]:
    """What the published table leaves out: the autoencoder is trained, forward and backward at thrice a forward pass."""
    own, one = 3 * autoencoder.multiply_adds * images * epochs, teacher.multiply_adds * images
    return _row(
        "not in the published table: training the autoencoder",
        f"{own / 1e9:,.1f} G multiply-adds",
        f"{epochs} epochs of {images:,} images; one forward pass of {teacher.name} over them costs {one / 1e9:,.1f} G. "
        "The student costs the same either way",
    )


def _row(label: str, value: str, note: str) -> dict[str, Any]:
    return {"label": label, "value": value, "note": note}
