"""Look inside a net at named places, without changing it and without cost where nobody looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from engine.method import View
from engine.nets.counts import without_storage
from engine.nets.net import Net, Place

Catch = Callable[[Tensor], None]


def shapes(net: Net, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The shape of every tap for one image of `shape` (C, H, W), without the batch: (C, H, W) or (d,)."""
    return traced(cast(Net, without_storage(net)), shape)


def traced(ghost: Net, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """As `shapes`, of a net that has no storage itself (`engine.nets.ghost`)."""
    found: dict[str, tuple[int, ...]] = {}
    handles = [_hook(ghost, ghost.place(tap), _note_shape(found, tap)) for tap in ghost.taps]
    with torch.no_grad():
        ghost(torch.empty(1, *shape, device="meta"))
    for handle in handles:
        handle.remove()
    return {tap: found[tap] for tap in ghost.taps}


def _note_shape(found: dict[str, tuple[int, ...]], tap: str) -> Catch:
    def note(value: Tensor) -> None:
        found[tap] = tuple(value.shape[1:])

    return note


class Look:
    """Runs a net and keeps what passes at the wanted taps: `look(x)` is a `View`.

    `places` maps names of the caller to taps. Hooks sit on those modules alone and keep nothing while the net runs for
    others. `run` is the net as a function where it is not called as it is; make the look before the net's first compiled
    call, for a compiled graph has the hooks it was traced with.
    """

    def __init__(self, net: Net, places: Mapping[str, str], run: Callable[[Tensor], Tensor] | None = None) -> None:
        self.net = net
        self._run = net if run is None else run
        self.places = dict(places)
        self._seen: dict[str, Tensor] = {}
        self._looking = False
        self._handles = [self._watch(tap) for tap in dict.fromkeys(self.places.values())]

    def __call__(self, x: Tensor, plain: bool = False) -> View:
        """Logits (B, classes) and taps of images (B, C, H, W) in [0, 1]; `plain`: of the net as it is, not of `run`."""
        run = self.net if plain else self._run
        if not self._handles:
            return View(run(x))
        self._looking = True
        try:
            logits = run(x)
            return View(logits, {name: self._seen[tap] for name, tap in self.places.items()})
        finally:
            self._looking = False
            self._seen.clear()

    def remove(self) -> None:
        """Take the hooks out of the net; afterwards only logits are seen."""
        for handle in self._handles:
            handle.remove()
        self._handles, self.places = [], {}

    def _watch(self, tap: str) -> RemovableHandle:
        def keep(value: Tensor) -> None:
            if self._looking:
                self._seen[tap] = value

        return _hook(self.net, self.net.place(tap), keep)


def _hook(net: nn.Module, place: Place, catch: Catch) -> RemovableHandle:
    module = net.get_submodule(place.path)
    if place.moment == "input":

        def before(module: nn.Module, args: tuple[Any, ...]) -> None:
            catch(args[0])

        return module.register_forward_pre_hook(before)

    def after(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
        catch(output)

    return module.register_forward_hook(after)
