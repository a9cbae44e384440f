"""Whether a teacher is fed and read as it was trained: measured before it teaches, with what is known of it at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from engine import seeds
from engine.class_order import Best, best
from engine.data import Pictures, Split
from engine.data.pixels import to_unit
from engine.evaluation import logits_of, score
from engine.events import Evaluated
from engine.findings import Check, Evidence, Found, latest
from engine.normalization import KNOWN, TITLES, Constants, alike, constants
from engine.observing.picturing import Picturing
from engine.report import Reporter
from engine.sources import Brought

FED, ORDER = "teacher_fed/", "teacher_order/"
"""What the names of the evidence begin with."""
OWN = "own"

IMAGES = 1000
"""Images on which normalizations are compared."""
UNDER, BETTER = 2.0, 1.0
"""Points under the recorded accuracy, and points that another normalization gains."""
ENOUGH, EACH = 2000, 20
"""Images from which an order of classes is judged: so many, or so many a class."""
TIMES = 3.0


def measure(found: Brought, pictures: Pictures, report: Reporter, picturing: Picturing) -> None:
    """Say the teacher's accuracy in float32, as a whole and by classes, and give the checks their evidence where the net was
    brought from elsewhere."""
    if found.strange:
        report.note(f"The last layer of {found.record.name} knows nothing of these classes: only its features teach.")
        return
    seen: list[tuple[Tensor, Tensor]] = []
    top1 = float("nan")
    for name, split in (("held-out", pictures.heldout), ("test", pictures.test)):
        if split is not None and split.labels is not None:
            logits = logits_of(found.net, split)
            scored = score(logits, split.labels)
            report.say(Evaluated, who="teacher", split=name, **report.here(), **asdict(scored))
            seen, top1 = [*seen, (logits, split.labels)], scored.top1
            if split is pictures.evaluated:
                picturing.teacher_classes(logits, split.labels)
    if seen and found.examined:
        report.observe(_evidence(found, pictures, seen, top1))


def _evidence(found: Brought, pictures: Pictures, seen: list[tuple[Tensor, Tensor]], top1: float) -> dict[str, float]:
    """What the checks read. A wrong order makes every normalization look as bad as the others, so it is asked for first."""
    logits, labels = (torch.cat([pair[part] for pair in seen]) for part in (0, 1))
    values = {"teacher_top1": top1}
    if len(labels) >= min(ENOUGH, EACH * logits.shape[1]):
        fitted = best(logits, labels)
        if _differs(fitted, logits.shape[1]):
            places = {f"{ORDER}at/{n}": float(found.order[position]) for n, position in enumerate(fitted.order)}
            return values | places | {f"{ORDER}plain": fitted.plain, f"{ORDER}permuted": fitted.permuted}
    if found.record.top1 is not None:
        values["teacher_recorded"] = found.record.top1
        if top1 > found.record.top1 - UNDER:
            return values
    return values | _fed(found, pictures)


def _differs(fitted: Best, classes: int) -> bool:
    return fitted.permuted >= TIMES * fitted.plain and fitted.permuted > 2 / classes


def _fed(found: Brought, pictures: Pictures) -> dict[str, float]:
    """Accuracy in percent on the same images with the net's own normalization and with every known one that differs."""
    net = found.net
    own: Constants = (net.frame.mean, net.frame.std)
    candidates = {name: constants(name, net.frame.channels) for name in KNOWN} | {"dataset": (pictures.mean, pictures.std)}
    tried = {name: c for name, c in candidates.items() if c is not None and not alike(c, own)}
    sample = list(_sample(pictures))
    hits, count = dict.fromkeys((OWN, *tried), 0.0), sum(len(labels) for _, labels in sample)
    for x, labels in sample:
        for name in hits:
            hits[name] += float((_logits(net, x, tried.get(name, own)).argmax(1) == labels).sum())
    return {f"{FED}{name}": 100.0 * value / count for name, value in hits.items()} if count >= IMAGES else {}


def _logits(net: Any, x: Tensor, wanted: Constants) -> Tensor:
    """What the net says of images in [0, 1] normalized with other constants than its own."""
    mean, std = (torch.tensor(part, device=x.device).reshape(1, -1, 1, 1) for part in wanted)
    with torch.no_grad():
        return net.logits((x - mean) / std).float()


def _sample(pictures: Pictures) -> Iterator[tuple[Tensor, Tensor]]:
    """Labelled images as far as they are needed: of the test, else held-out, else training images."""
    left = IMAGES
    for split in (pictures.test, pictures.heldout, pictures.train):
        if split is not None and split.labels is not None and left:
            index = _some(split, left)
            left -= len(index)
            for at, images in split.batches(index, 250):
                yield to_unit(images), split.labels[at]


def _some(split: Split, count: int) -> Tensor:
    return torch.randperm(len(split), generator=seeds.generator(0, "teacher", "fed"))[:count]


def _fed_wrongly(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    accuracies = {name.removeprefix(FED): latest(seen, name) for name in seen if name.startswith(FED)}
    own = accuracies.pop(OWN, None)
    known = {name: value for name, value in accuracies.items() if value is not None}
    if own is None or not known:
        return None
    name = max(known, key=lambda n: known[n])
    top1, recorded = latest(seen, "teacher_top1"), latest(seen, "teacher_recorded")
    under = recorded is None or (top1 is not None and top1 <= recorded - UNDER)
    if not under or known[name] < own + BETTER:
        return None
    said = "" if recorded is None else f" Its recorded accuracy is {recorded:.2f} %, measured are {top1:.2f} %."
    return Found(
        f"The teacher seems to be fed wrongly: of {IMAGES} images it names {own:.1f} % as it is, and {known[name]:.1f} % with "
        f"{TITLES[name]} normalization.{said}",
        {f"{FED}{n}": v for n, v in (*known.items(), (OWN, own))},
        {"teacher.normalization": name},
    )


def _order_differs(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    plain, permuted = latest(seen, f"{ORDER}plain"), latest(seen, f"{ORDER}permuted")
    if plain is None or permuted is None:
        return None
    classes = sum(name.startswith(f"{ORDER}at/") for name in seen)
    order = [int(latest(seen, f"{ORDER}at/{n}") or 0) for n in range(classes)]
    return Found(
        f"The teacher's classes seem to stand in another order: it names {100 * plain:.1f} % of the images as its outputs "
        f"stand, and {100 * permuted:.1f} % with them reordered.",
        {f"{ORDER}plain": plain, f"{ORDER}permuted": permuted},
        {"teacher.class_order": order},
    )


CHECKS = (
    Check(
        "fed-wrongly", "Teacher fed wrongly",
        f"{UNDER:g} points or more under the recorded accuracy where there is one, and with another known normalization at "
        f"least {BETTER:g} point better on {IMAGES} images", (f"{FED}{OWN}",), _fed_wrongly,
    ),
    Check(
        "class-order", "Class order differs",
        f"accuracy under the best assignment of outputs to classes at least {TIMES:g} times the plain one and twice chance "
        f"({ENOUGH} images or {EACH} a class; fitted on one half of them, measured on the other)",
        (f"{ORDER}permuted",), _order_differs,
    ),
)  # fmt: skip
"""The failure signatures of a teacher from elsewhere."""
