"""Which of a net's outputs stands for which class of a dataset: by their names, or by what the net says of images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from engine.nets.net import Net, NetError


class OrderError(ValueError):
    """Classes of a net that are not those of the dataset; the sentence names the first that differs."""


def by_name(own: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...]:
    """For each wanted class the position of the net's output of that name, read without regard to case, spaces and dashes.

    A net may know more classes than are wanted. Names that are mere numbers say nothing where the net's are words and as
    many: then the outputs stay as they are. Raises OrderError naming the first class that the net does not know.
    """
    places = {_plain(name): position for position, name in enumerate(own)}
    missing = [name for name in wanted if _plain(name) not in places]
    if not missing:
        return tuple(places[_plain(name)] for name in wanted)
    if len(own) == len(wanted) and all(name.isdigit() for name in wanted) and not any(name.isdigit() for name in own):
        return tuple(range(len(own)))
    shown = ", ".join(repr(name) for name in own[:3])
    raise OrderError(
        f"it tells {len(own)} classes apart ({shown}, …), the dataset has {len(wanted)}, and {missing[0]!r} is none of its own"
    )


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def reordered(net: Net, order: Sequence[int]) -> None:
    """Make output i of the net what output `order[i]` was, by moving the rows of its head: exact, and free at run time. Fewer
    positions than outputs leave the others out. Raises NetError for a position that is not there, or is there twice."""
    outputs = net.frame.classes
    wrong = [p for p in order if not 0 <= p < outputs]
    if wrong:
        raise NetError(f"position {wrong[0]} is no output of {net.frame.key}, which has {outputs}, counted from 0")
    twice = next((p for n, p in enumerate(order) if p in order[:n]), None)
    if twice is not None:
        raise NetError(f"position {twice} stands for two classes; each output can stand for one")
    if list(order) == list(range(outputs)):
        return
    rows = torch.tensor(order, dtype=torch.long, device=net.head.weight.device)
    with torch.no_grad():
        kept = dict(net.head.named_parameters())["weight"]  # of a quantized head the float weights behind
        net.head.weight = nn.Parameter(kept[rows].clone())
        if net.head.bias is not None:
            net.head.bias = nn.Parameter(net.head.bias[rows].clone())
    net.head.out_features = len(order)
    net.frame = replace(net.frame, classes=len(order))


@dataclass(frozen=True)
class Best:
    """The assignment of outputs to classes that fits labelled images best. `order` is fitted on all images; `plain` and
    `permuted` are accuracies in [0, 1] on one half of the images, the permuted one with the order fitted on the other."""

    order: tuple[int, ...]
    plain: float
    permuted: float


def best(logits: Tensor, labels: Tensor) -> Best:
    """The best one-to-one assignment of outputs to classes (Hungarian method), from logits (N, C) and labels (N,). The order
    is judged on images it was not fitted on, for over many classes a permutation fits even noise."""
    said, labels = logits.argmax(1).cpu(), labels.cpu()
    half = torch.arange(len(labels)) % 2 == 0
    fitted = torch.tensor(_assigned(said[half], labels[half], logits.shape[1]))
    other = ~half
    return Best(
        order=_assigned(said, labels, logits.shape[1]),
        plain=float((said[other] == labels[other]).double().mean()),
        permuted=float((said[other] == fitted[labels[other]]).double().mean()),
    )


def _assigned(said: Tensor, labels: Tensor, classes: int) -> tuple[int, ...]:
    from scipy.optimize import linear_sum_assignment

    counts = torch.zeros(classes, classes, dtype=torch.long)
    counts.index_put_((labels, said), torch.ones(1, dtype=torch.long), accumulate=True)
    chosen = linear_sum_assignment(counts.numpy(), maximize=True)[1]
    return tuple(int(output) for output in chosen)
