"""Parts: modules that a method puts into a student to stay, rebuilt from a kind and plain arguments without a teacher."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import nn

from engine import method
from engine.knobs import did_you_mean
from engine.method import Part
from engine.nets.net import Net, NetError, Place, Tap, seeded

KINDS: dict[str, Callable[..., nn.Module]] = {}
"""Kind of part -> its module's class. A kind is named `<method>.<name>`, so that its file can be found again."""

HEAD = "head"
"""Where a part says it stands when it takes the classifier's place (an `nn.Linear` again, say of other inputs)."""

Kind = TypeVar("Kind", bound=Callable[..., nn.Module])


def kind(name: str) -> Callable[[Kind], Kind]:
    """Register a module's class as a kind of part; its arguments must be plain data.

    The class may have `taps`: name -> path of a submodule whose output is a tap inside the part.
    """

    def register(made: Kind) -> Kind:
        KINDS[name] = made
        return made

    return register


def insert(net: Net, part: Part, generator: torch.Generator) -> nn.Module:
    """Put a part's module after the tap `part.after` of the net, or in the place of its classifier, and return it.

    Its taps are `<part>.out` and `<part>.<name>` for each of its own. The tap it stands after keeps its meaning: what
    arrives there before any part. Raises NetError for an unknown kind, a name used twice or a tap without room.
    """
    if part.name in {p["name"] for p in net.parts}:
        raise NetError(f"{net.frame.key} already has a part named {part.name!r}; every part needs a name of its own")
    spot, name = _spot(net, part)
    with seeded(generator):
        module = _find(part.kind)(**part.arguments).to(net.mean.device)
    if part.after == HEAD:
        _take_over(net.head, module)
    spot.register_module(name, module)
    net.parts.append({"name": part.name, "after": part.after, "kind": part.kind, "arguments": dict(part.arguments)})
    path = next(path for path, each in net.named_modules() if each is module)
    net.places[f"{part.name}.out"] = Place(path, "output")
    inside: Mapping[str, str] = getattr(module, "taps", {})
    net.places.update({f"{part.name}.{name}": Place(f"{path}.{where}", "output") for name, where in inside.items()})
    return module


def _spot(net: Net, part: Part) -> tuple[nn.Module, str]:
    """The module that will hold a part, and the name under which: a tap after which it stands, or the classifier's owner."""
    if part.after == HEAD:
        path = next(path for path, each in net.named_modules() if each is net.head)
        owner, _, name = path.rpartition(".")
        return net.get_submodule(owner), name
    spot = net.module_at(part.after)
    if not isinstance(spot, Tap):
        room = [tap for tap in net.taps if isinstance(net.module_at(tap), Tap)]
        raise NetError(f"a part cannot be inserted after {part.after!r} of {net.frame.key}; it can after {', '.join(room)}")
    return spot, part.name


def _take_over(old: nn.Module, new: nn.Module) -> None:
    """Whoever listens to the classifier listens to the one in its place (torchvision's nets look at what goes into it)."""
    new._forward_pre_hooks.update(old._forward_pre_hooks)
    new._forward_hooks.update(old._forward_hooks)


def described(data: Mapping[str, Any]) -> Part:
    """A part from the plain data that `Net.identity` keeps."""
    return Part(**data)


def _find(name: str) -> Callable[..., nn.Module]:
    """The class of a kind; the method that brings it is imported where it has not been yet."""
    owner = name.partition(".")[0]
    if name not in KINDS and owner in (*method.keys(), *method.own_keys()):
        method.find(owner)
    if name not in KINDS:
        raise NetError(f"there is no kind of part named {name!r}{did_you_mean(name, KINDS)}")
    return KINDS[name]
