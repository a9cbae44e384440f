"""The work before letKD distils: a teacher's templates by k-means, and its localized decisions by discriminant analysis.

Each function is one stage: it says how far it is, obeys Pause and Stop between pieces, and goes on where an earlier attempt
was cut short with the same result, for all it draws comes from the generator it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from engine import kmeans, templates
from engine.data import DataError
from engine.method import Lab
from engine.templates import Decisions, Templates, lda
from engine.templates.vectors import Vectors, gather

CHUNK = 2**16


@dataclass(frozen=True)
class Search:
    """Which map of the teacher at which size, how many of its vectors in how many bytes, and iterations of k-means."""

    tap: str
    size: tuple[int, int]
    vectors: Literal["all"] | int
    budget: int
    iterations: int

    def gathered(self, lab: Lab, generator: torch.Generator) -> Vectors:
        """The teacher's vectors; the log says which."""
        found = gather(lab, self.tap, self.size, self.vectors, self.budget, generator)
        lab.note(f"the teacher's {self.tap}: {found.in_words()}")
        return found


def cluster(lab: Lab, stage: str, watch: str, found: Templates, search: Search, generator: torch.Generator) -> None:
    """Fill `found` with the centroids of k-means over the teacher's vectors, and show what came out. Raises DataError where
    there are fewer vectors than templates."""
    work: list[kmeans.Lloyd] = []

    def state() -> dict[str, Any]:
        return {"lloyd": work[0].state() if work else None, "found": found.state_dict()}

    if _taken_up(lab, stage, found):
        return
    with lab.stage(stage, state) as resumed, torch.no_grad():
        vectors = search.gathered(lab, generator)
        points, count = vectors.points, len(found.centroids)
        if count > len(points):
            raise DataError(f"{count} templates cannot be found among {len(points)} feature vectors; take fewer templates")
        lloyd = kmeans.Lloyd(kmeans.start(points, count, generator))
        if resumed and resumed["lloyd"]:
            lloyd.load(resumed["lloyd"])
        work.append(lloyd)
        lloyd.run(points, search.iterations, _telling(lab, lloyd, search.iterations))
        labels, distances = kmeans.assign(points, lloyd.centroids, lambda done, total: _obey(lab, done, total))
        found.centroids.copy_(lloyd.centroids)
        found.usage.copy_(templates.shares(labels, count))
        lab.show(watch, _rows(vectors, lloyd, kmeans.inertia(distances), found.usage))


def _taken_up(lab: Lab, stage: str, found: Templates | Decisions) -> bool:
    """Whether an earlier attempt finished the stage; then what it found is taken from there."""
    left = lab.finished(stage)
    if left:
        found.load_state_dict(left["found"])
    return bool(left)


def _telling(lab: Lab, lloyd: kmeans.Lloyd, iterations: int) -> kmeans.Between:
    def between(done: int, total: int) -> None:
        lab.progress("k-means", lloyd.iteration * total + done, iterations * total, f"vectors in {iterations} iterations")

    return between


def _obey(lab: Lab, done: int, total: int) -> None:
    lab.progress("assigning", done, total, "vectors")


def _rows(vectors: Vectors, lloyd: kmeans.Lloyd, inertia: float, usage: Tensor) -> list[dict[str, Any]]:
    spread = _spread(vectors.points)
    explained = 100 * (1 - inertia / spread) if spread else 100.0
    settled = "settled" if lloyd.settled else "still moving"
    even = float(kmeans.perplexity(usage))
    return [
        _row("feature vectors", f"{len(vectors.points):,}", vectors.in_words()),
        _row("templates", f"{len(usage):,}", f"{even:.0f} if they were used evenly; {lloyd.moved} moved for want of vectors"),
        _row("iterations", str(lloyd.iteration), settled),
        _row("variation explained", f"{explained:.1f} %", f"inertia {inertia:.6g}"),
    ]


def _spread(points: Tensor) -> float:
    """The sum of the squared distances of all points to their mean."""
    mean = torch.stack([part.double().sum(0) for part in points.split(CHUNK)]).sum(0) / len(points)
    return float(sum((part.double() - mean).square().sum() for part in points.split(CHUNK)))


def _row(label: str, value: str, note: str) -> dict[str, Any]:
    return {"label": label, "value": value, "note": note}


def decide(lab: Lab, stage: str, found: Decisions, search: Search, generator: torch.Generator) -> None:
    """Fill `found` with directions, sub-classes and decisions, and show them. Raises DataError where a class has fewer
    vectors than sub-classes, or where the classes cannot be told apart."""
    done = {"classes": 0}

    def state() -> dict[str, Any]:
        return {"classes": done["classes"], "found": found.state_dict()}

    if _taken_up(lab, stage, found):
        return
    with lab.stage(stage, state) as resumed, torch.no_grad():
        vectors = search.gathered(lab, generator)
        if vectors.labels is None:
            raise DataError("the teacher's decisions are between classes: turn dataset.labels on, or supervise by k-means")
        seed = int(torch.randint(2**62, (), generator=generator))
        _look(lab, vectors, found)
        u = torch.cat([found.along(part.float()) for part in vectors.points.split(CHUNK)])
        if resumed:
            found.centroids.copy_(resumed["found"]["centroids"])
            done["classes"] = int(resumed["classes"])
        for c in range(done["classes"], len(found.centroids)):
            found.centroids[c] = _sub_classes(lab, u[vectors.labels == c], c, found, search, seed)
            done["classes"] = c + 1
            lab.progress("k-means within classes", c + 1, len(found.centroids), "classes")
        own, free = found.settle(u, vectors.labels, lambda n, total: _obey(lab, n, total))
        _show(lab, vectors, found, own, free)


def _look(lab: Lab, vectors: Vectors, found: Decisions) -> None:
    """The directions that tell the classes apart."""
    labels = vectors.labels
    assert labels is not None
    moments = lda.Moments(lab.facts.classes, vectors.points.shape[1], vectors.points.device)
    for n, (x, y) in enumerate(zip(vectors.points.split(CHUNK), labels.split(CHUNK))):
        moments.add(x, y)
        lab.progress("moments", min((n + 1) * CHUNK, len(labels)), len(labels), "vectors")
    try:
        found.look_along(*lda.discriminants(moments))
    except ValueError as error:
        raise DataError(f"the teacher's decisions cannot be found: {error}") from error


def _sub_classes(lab: Lab, u: Tensor, c: int, found: Decisions, search: Search, seed: int) -> Tensor:
    """The centroids (k, m) of one class, from a seed of its own."""
    each = found.centroids.shape[1]
    if len(u) < each:
        name = lab.facts.class_names[c]
        raise DataError(f"class {name!r} has {len(u)} feature vectors for {each} sub-classes; take fewer sub-classes per class")
    lloyd = kmeans.Lloyd(kmeans.start(u, each, torch.Generator().manual_seed(seed + c)))
    lloyd.run(u, search.iterations)
    return lloyd.centroids


def _show(lab: Lab, vectors: Vectors, found: Decisions, own: Tensor, free: Tensor) -> None:
    classes, each, kept = found.centroids.shape
    labels = vectors.labels
    assert labels is not None
    confusions = templates.decision_matrix(labels, free // each, classes)
    lab.show("confusions", confusions, {"classes": list(lab.facts.class_names)})
    right, same = (100 * float((a == b).float().mean()) for a, b in ((free // each, labels), (free, own)))
    lab.show("directions", [
        _row("feature vectors", f"{len(labels):,}", vectors.in_words()),
        _row("directions kept", str(kept), f"of {vectors.points.shape[1]} numbers, those that tell the classes apart best"),
        _row("sub-classes", f"{classes * each:,}", f"{each} a class; {float(kmeans.perplexity(found.usage)):.0f} if they were "
             "used evenly"),
        _row("decided for the image's class", f"{right:.1f} %", "single places by their nearest sub-class"),
        _row("decided for the very sub-class", f"{same:.1f} %", "the rest is what the student learns of likeness"),
    ])  # fmt: skip
