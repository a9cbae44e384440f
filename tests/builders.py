"""Small real things for tests: images whose classes look alike in a known way, and a laboratory without a run around it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from engine.method import Facts, Side, View
from engine.nets.net import Frame, Net, Place, Tap
from engine.taps import Look, shapes


def golden(shape: tuple[int, ...], step: float, scale: float = 1.0) -> Tensor:
    """scale · sin(step · k), k = 1.. in row-major order, float64: the generator of the reference's golden values."""
    count = torch.Size(shape).numel()
    return (scale * torch.sin(step * torch.arange(1, count + 1, dtype=torch.float64))).reshape(shape)


def striped_images(classes: int = 4, each: int = 30, side: int = 16, channels: int = 1, seed: int = 0) -> tuple[Tensor, Tensor]:
    """(N, channels, side, side) in [0, 1] and (N,): waves whose direction and length belong to the class, with noise."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(classes).repeat(each)
    place = torch.linspace(0, 1, side)
    angle = torch.pi * y / classes
    length = 2.0 + y.float()
    along = torch.cos(angle)[:, None, None] * place[None, :, None] + torch.sin(angle)[:, None, None] * place
    shift = torch.rand(len(y), 1, 1, generator=generator)
    waves = 0.5 + 0.4 * torch.sin(2 * torch.pi * (length[:, None, None] * along + 0.3 * shift))
    noise = 0.1 * torch.randn(len(y), channels, side, side, generator=generator)
    return (waves[:, None] + noise).clamp(0, 1), y


SMALLER = {"epochs": 1, "batch_size": 32, "samples": 5, "templates": 12, "subclasses": 2}
"""Less work of a method's `prepare`, for methods that have these settings."""


class SmallNet(Net):
    """The least that has all taps: a stem and one convolution a stage, each halving the side as long as it can."""

    def __init__(self, classes: int = 4, channels: int = 1, side: int = 8, widths: tuple[int, ...] = (4, 6, 8)) -> None:
        frame = Frame("small", classes, channels, side, (0.5,) * channels, (0.5,) * channels)
        main = ["f0", *(f"f{i}" for i in range(1, len(widths) + 1)), "pooled"]
        before = {f"f{i}_pre": Place(f"stages.{i - 1}.relu", "input", f"stages.{i - 1}.bn") for i in range(1, len(widths) + 1)}
        self.first = f"f{len(widths)}_first"
        passed = [*main, self.first]
        super().__init__(frame, {name: Place(f"passed.{name}", "input") for name in passed} | before)
        self.stem = nn.Conv2d(channels, widths[0], 3, padding=1)
        steps = zip((widths[0], *widths), widths, strict=False)
        self.stages = nn.ModuleList(
            nn.Sequential(OrderedDict(
                conv=nn.Conv2d(narrow, wide, 3, stride=2 if side >> i > 1 else 1, padding=1),
                bn=nn.BatchNorm2d(wide), relu=nn.ReLU(),
            )) for i, (narrow, wide) in enumerate(steps)
        )  # fmt: skip
        self.passed = nn.ModuleDict({name: Tap() for name in passed})
        self.fc = nn.Linear(widths[-1], classes)

    @property
    def head(self) -> nn.Linear:
        return self.fc

    def logits(self, x: Tensor) -> Tensor:
        x = self.passed["f0"](self.stem(x))
        for i, stage in enumerate(self.stages, start=1):
            x = stage(x)
            if i == len(self.stages):
                x = self.passed[self.first](x)
            x = self.passed[f"f{i}"](x)
        return self.fc(self.passed["pooled"](x.mean((2, 3))))


def side_of(net: Net, shape: tuple[int, ...]) -> Side:
    """A net with the shapes of its taps, as a method is given it."""
    return Side(net, shapes(net, shape))


class SmallLab:
    """A `Lab` over images in memory. What a method says is kept in `shown`, `measured`, `notes` and `stages`."""

    def __init__(
        self, images: Tensor, labels: Tensor | None, classes: int = 4, seed: int = 0, teacher: Net | None = None
    ) -> None:
        self._images, self._labels = images, labels
        self._mean = images.mean(dim=(0, 2, 3))[:, None, None]
        self._std = images.std(dim=(0, 2, 3))[:, None, None]
        self.device = images.device
        self.facts = Facts(
            classes=classes,
            class_names=tuple(f"class {c}" for c in range(classes)),
            labels=labels,
            samples=len(images),
            shape=tuple(images.shape[1:]),  # type: ignore[arg-type]
            epochs=2,
            steps_per_epoch=4,
            device=self.device,
        )
        shape = tuple(images.shape[1:])
        self.student = side_of(SmallNet(classes, shape[0], shape[1]), shape)
        self.teacher = None if teacher is None else side_of(teacher, shape)
        self.generator = torch.Generator().manual_seed(seed)
        self.shown: dict[str, list[Any]] = {}
        self.labels_of: dict[str, Mapping[str, list[Any]]] = {}
        self.measured: dict[str, float] = {}
        self.notes: list[str] = []
        self.stages: list[str] = []
        self.losses: list[dict[str, float]] = []
        self.told: list[tuple[str, int, int, str]] = []

    def loop(
        self,
        stage: str,
        modules: Iterable[nn.Module],
        loss: Callable[[Tensor, Tensor | None], Mapping[str, Tensor]],
        *,
        epochs: int,
        batch_size: int,
        optimizer: torch.optim.Optimizer,
        schedule: Any = None,
        after_epoch: Callable[[int], None] | None = None,
    ) -> None:
        self.stages.append(stage)
        trained = list(modules)
        for module in trained:
            module.requires_grad_(True)
        for epoch in range(1, epochs + 1):
            order = torch.randperm(len(self._images), generator=torch.Generator().manual_seed(epoch))
            for index in order.split(batch_size):
                losses = loss(self._images[index], None if self._labels is None else self._labels[index])
                optimizer.zero_grad()
                torch.stack(tuple(losses.values())).sum().backward()
                optimizer.step()
                self.losses.append({k: v.item() for k, v in losses.items()})
            if schedule is not None:
                schedule.step()
            if after_epoch is not None:
                after_epoch(epoch)
        for module in trained:
            module.requires_grad_(False)

    @contextmanager
    def stage(self, name: str, state: Callable[[], Any] | None = None) -> Iterator[Any]:
        self.stages.append(name)
        yield None

    def finished(self, name: str) -> Any:
        return None

    def progress(self, what: str, done: int, total: int, unit: str) -> None:
        self.told.append((what, done, total, unit))

    def batches(self, limit: int | None = None, augment: bool = False) -> Iterator[tuple[Tensor, Tensor | None, Tensor]]:
        count = len(self._images) if limit is None else min(limit, len(self._images))
        for index in torch.arange(count).split(50):
            x = self._images[index].flip(3) if augment else self._images[index]
            yield x, None if self._labels is None else self._labels[index], index

    def images(self, index: Tensor) -> Tensor:
        return self._images[index]

    def normalize(self, x: Tensor) -> Tensor:
        return (x - self._mean) / self._std

    def show(self, watch: str, value: Any, labels: Mapping[str, list[Any]] | None = None) -> None:
        self.shown.setdefault(watch, []).append(value)
        self.labels_of[watch] = labels or {}
        if isinstance(value, Tensor) and value.ndim == 0:
            self.measured[watch] = value.item()

    def measure(self, values: Mapping[str, float]) -> None:
        self.measured |= values

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


def seen_maps(lab: SmallLab, method: Any, x: Tensor, batch: Any, scale: float = 1.0) -> Any:
    """A `Seen` of logits with the taps that the method asks for, as both nets see `x`; the student's may be differentiated."""
    own, other = method.taps(lab.student, lab.teacher)
    with torch.no_grad():
        student = {n: scale * v for n, v in Look(lab.student.net, own)(x).taps.items()}
        teacher = {n: scale * v for n, v in Look(lab.teacher.net, other)(x).taps.items()} if lab.teacher else {}
    found = replace(batch, x=x, student=View(batch.student.logits, {n: v.requires_grad_() for n, v in student.items()}))
    return found if batch.teacher is None else replace(found, teacher=View(batch.teacher.logits, teacher))


def seen_batch(student: Tensor, teacher: Tensor | None, y: Tensor | None, epoch: int = 1) -> Any:
    """A `Seen` of logits alone."""
    from engine.method import Seen

    return Seen(
        x=torch.zeros(len(student), 1, 8, 8),
        y=y,
        index=torch.arange(len(student)),
        epoch=epoch,
        step=0,
        generator=torch.Generator(),
        student=View(student),
        teacher=None if teacher is None else View(teacher),
    )
