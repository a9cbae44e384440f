"""Methods put around a student: their parts into it, then what each trains beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, cast

import torch

from engine import seeds, taps
from engine.method import Facts, Method, Side
from engine.nets.net import Net
from engine.nets.parts import insert


def side(net: Net, shape: tuple[int, ...]) -> Side:
    """A net with the shapes of its taps for images of `shape` (C, H, W)."""
    return Side(net, taps.shapes(net, shape))


def build(
    methods: Mapping[str, Method], student: Side, teacher: Side | None, facts: Facts, seed: int,
    place: Callable[[Method], Any], note: Callable[[str], None],
) -> Side:  # fmt: skip
    """The parts of every method into the student, in stack order, then every method's own modules, each drawn from a seed of
    its own; gives the student as it is with its parts. Raises PairError or NetError where a method cannot be had with these
    nets."""
    own, net = student, cast(Net, student.net)
    for key, each in methods.items():
        parts = each.parts(own, teacher, facts)
        for part in parts:
            if asdict(part) not in net.parts:  # a student of an earlier run brings the same part, trained
                insert(net, part, seeds.generator(seed, "part", key, part.name))
        own = side(net, facts.shape) if parts else own
    for key, each in methods.items():
        torch.manual_seed(seeds.key(seed, "build", key))
        for match in each.matches(own, teacher):
            note(f"{each.title} compares {match.in_words()}: {match.how()}")
        each.build(own, teacher, facts)
        place(each)
    return own
