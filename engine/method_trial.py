"""A method tried on one batch with two small nets: whether it reports the terms and watches that it declares."""

from __future__ import annotations

import torch
from torch import Tensor

from engine import building, nets
from engine.decoding.images import DataError
from engine.method import Facts, Method, Places, Seen, Side, View
from engine.nets.net import Net, NetError
from engine.pairing import PairError
from engine.taps import Look

IMAGES, CLASSES, SIDE = 8, 4, 16
STUDENT, TEACHER = "resnet8", "resnet20"


def wrong(key: str, kind: type[Method]) -> str:
    """What a method does otherwise than it declares, as a sentence; empty where nothing is, or where these nets and images do
    not suit it. What it raises itself is not caught."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        each = kind(kind.Params())
        student, teacher = _net(STUDENT), None if kind.needs.teacher == "none" else _net(TEACHER)
        try:
            sides = _built(key, each, student, teacher)
        except (PairError, NetError, DataError):  # it asks for other nets than these: the Plan will say so
            return ""
        if type(each).prepare is not Method.prepare:
            return ""  # what it compares is made in its stages
        seen = _seen(each, *sides)
        return _of_losses(each, each.losses(seen)) or _of_watches(each, each.eval().watch(seen))


def _net(key: str) -> Net:
    return nets.build(key, classes=CLASSES, channels=1, size=SIDE, generator=torch.Generator().manual_seed(0))


def _built(key: str, each: Method, student: Net, teacher: Net | None) -> tuple[Side, Side | None]:
    facts = Facts(
        classes=CLASSES, class_names=tuple(str(n) for n in range(CLASSES)), labels=_labels(), samples=IMAGES,
        shape=(1, SIDE, SIDE), epochs=1, steps_per_epoch=1, device=torch.device("cpu"),
    )  # fmt: skip
    other = None if teacher is None else building.side(teacher.eval(), facts.shape)
    own = building.build(
        {key: each}, building.side(student, facts.shape), other, facts, 0, lambda made: None, lambda said: None
    )  # fmt: skip
    return own, other


def _labels() -> Tensor:
    return torch.arange(IMAGES) % CLASSES


def _seen(each: Method, student: Side, teacher: Side | None) -> Seen:
    own, other = each.taps(student, teacher)
    x = torch.rand(IMAGES, 1, SIDE, SIDE)
    with torch.no_grad():
        taught = None if teacher is None else _view(teacher, other, x)
    views = _view(student, own, x), taught
    return Seen(x, _labels(), torch.arange(IMAGES), 1, 0, torch.Generator().manual_seed(0), *views)


def _view(side: Side, places: Places, x: Tensor) -> View:
    assert isinstance(side.net, Net)
    return Look(side.net, dict(places))(x)


def _of_losses(each: Method, losses: object) -> str:
    declared = {term.name for term in each.active_terms()}
    if not isinstance(losses, dict):
        return f"losses() gives a {type(losses).__name__}; it must give a dict from the name of each term to its value"
    if set(losses) != declared:
        return f"losses() gives {_names(losses)}, and the terms that it declares are {_names(declared)}"
    for name, value in losses.items():
        if not isinstance(value, Tensor) or value.shape != ():
            gave = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
            return f"losses() gives {gave} for {name!r}; a term is one number: a tensor of shape ()"
        if not value.requires_grad:
            return f"the term {name!r} has no gradient: nothing would learn from it (is it detached?)"
        if not torch.isfinite(value):
            return f"the term {name!r} is {float(value)} for a batch of random images; it must be finite"
    return ""


def _of_watches(each: Method, watched: object) -> str:
    declared = {watch.name for watch in each.active_watches() if not watch.stage}
    if not isinstance(watched, dict) or set(watched) != declared:
        gave = _names(watched) if isinstance(watched, dict) else f"a {type(watched).__name__}"
        return f"watch() gives {gave}, and the watches that it declares are {_names(declared)}"
    return ""


def _names(names: object) -> str:
    assert isinstance(names, (dict, set))
    return ", ".join(repr(name) for name in sorted(names)) or "none"
