"""What every net is: images in [0, 1] in, logits out, its own normalization inside, and named taps to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class NetError(ValueError):
    """A net that does not exist, cannot take these images or cannot take these weights; the sentence says which."""


@dataclass(frozen=True)
class Frame:
    """What a net is built for: `channels` and `size` (side in pixels) of its images, classes, the normalization it carries
    (per channel, of pixels in [0, 1]), and which `variant` of its design it is (empty: the design as it is listed)."""

    key: str
    classes: int
    channels: int
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    variant: str = ""


@dataclass(frozen=True)
class Design:
    """A net that can be built: its words, the sides it takes (`exact` 0: any from `smallest` on) and how to make it.

    `smallest` is the side from which no layer with a stride runs short: the last map then has one position. `variants` are
    other builds of the same net that a checkpoint may hold."""

    key: str
    title: str
    summary: str
    family: str
    smallest: int
    make: Callable[[Frame], Net]
    exact: int = 0
    source: str = ""
    variants: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a tap is: a module by its path, and whether the tap is what goes into it or what comes out. `norm` is the path
    of the batch normalization whose output a tap before activation is (the last one on its main path)."""

    path: str
    moment: Literal["input", "output"]
    norm: str = ""


class Tap(nn.Sequential):
    """A named place in a net: passes its input on, through the parts that methods inserted here, if any."""


def through(stage: nn.Module, first: Tap, x: Tensor) -> Tensor:
    """What a stage (an `nn.Sequential` of blocks) makes of x, the output of its first block passed on through a tap."""
    block, *others = stage.children()
    x = first(block(x))
    for block in others:
        x = block(x)
    return x


class Net(nn.Module):
    """A classifier of images in [0, 1].

    A subclass sets `places`, makes its modules and writes `logits(x)` for normalized images (B, C, H, W). `dialect` are
    pairs (pattern, replacement) that turn the key names of public checkpoints of this net into its own; `unused` is a
    pattern of keys that such checkpoints hold and this net has no use for. `has_linear_head` is false for the few nets that
    classify by a convolution.
    """

    dialect: ClassVar[tuple[tuple[str, str], ...]] = ()
    unused: ClassVar[str] = ""
    has_linear_head: bool = True
    mute: bool = False
    """Whether its logits say nothing of the classes of this run, so that only its features can teach."""
    mean: Tensor
    std: Tensor

    def __init__(self, frame: Frame, places: Mapping[str, Place]) -> None:
        super().__init__()
        self.frame = frame
        self.places = dict(places)
        self.parts: list[dict[str, Any]] = []
        self.quantize: dict[str, Any] = {}
        self.register_buffer("mean", torch.tensor(frame.mean, dtype=torch.float32).reshape(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(frame.std, dtype=torch.float32).reshape(1, -1, 1, 1))

    def logits(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of normalized images."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of images (B, C, H, W) in [0, 1]."""
        return self.logits((x - self.mean) / self.std)

    @property
    def taps(self) -> tuple[str, ...]:
        """The names of all taps, the main ones in the order of the forward pass first."""
        return tuple(self.places)

    @property
    def head(self) -> nn.Linear:
        """The classifier: the last linear layer. Raises NetError where `has_linear_head` is false."""
        raise NotImplementedError

    def place(self, tap: str) -> Place:
        """Where a tap is. Raises NetError for a name this net does not have."""
        if tap not in self.places:
            raise NetError(f"{self.frame.key} has no tap {tap!r}; it has {', '.join(self.places)}")
        return self.places[tap]

    def module_at(self, tap: str) -> nn.Module:
        """The module whose input or output (see `place`) is the tap."""
        return self.get_submodule(self.place(tap).path)

    def norm_before(self, tap: str) -> nn.BatchNorm2d:
        """The batch normalization before the activation of a tap. Raises NetError where the net names none."""
        path = self.place(tap).norm
        if not path:
            there = ", ".join(name for name, place in self.places.items() if place.norm) or "none of its taps"
            raise NetError(f"{self.frame.key} names no batch normalization before {tap!r}; it does for {there}")
        return self.get_submodule(path)  # type: ignore[return-value]

    def identity(self) -> dict[str, Any]:
        """JSON-able arguments with which `engine.nets.build` makes this net again, its parts and quantizers included."""
        frame = asdict(self.frame) | {"mean": list(self.frame.mean), "std": list(self.frame.std)}
        if not self.frame.variant:
            del frame["variant"]
        added = {"parts": [dict(p) for p in self.parts], "quantize": dict(self.quantize)}
        return frame | {name: value for name, value in added.items() if value}


@contextmanager
def seeded(generator: torch.Generator) -> Iterator[None]:
    """Inside, torch's initializations on the CPU draw from `generator`; afterwards the global state is as it was."""
    seed = int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
    state = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(state)


class Ghostly(TorchFunctionMode):
    """Inside, what would be drawn gets no storage: `torch.empty` gives tensors on the meta device."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Pass every call on, `torch.empty` to the meta device."""
        given = dict(kwargs or {})
        return func(*args, **({**given, "device": "meta"} if func is torch.empty else given))
