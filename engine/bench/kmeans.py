"""`kdstudio bench kmeans`: what letKD's templates cost on CIFAR-100 with a ResNet-56, 3.2 M x 64 vectors and K = 4096, and
that they are scikit-learn's. Vectors are made of noise around 10,000 middles.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

import torch
from sklearn.cluster import KMeans
from torch import Tensor

from engine import kmeans as lloyds
from engine.presets import Resolved
from engine.resources import find_device

VECTORS, WIDTH, TEMPLATES, ITERATIONS = 3_200_000, 64, 4096, 20
FRACTION = 64
"""One in so many vectors is clustered beside scikit-learn."""
MEASURED = 2
"""Iterations that are measured on a CPU, the rest being as long, and by scikit-learn."""
ASKED = 0.1
"""What is asked: percent by which the inertia may differ from scikit-learn's."""


def kmeans(resolved: Resolved) -> Iterator[str]:
    """Time, memory and inertia; of the experiment only device and threads count."""
    run = resolved.experiment.run
    device = find_device(run.device)
    if run.threads != "auto":
        torch.set_num_threads(run.threads)
    iterations = MEASURED if device.type == "cpu" else ITERATIONS
    points = _vectors(VECTORS).to(device)
    each, _ = _clustered(points, iterations)
    yield f"k-means, {VECTORS:,} x {WIDTH}, K = {TEMPLATES}: {device}, {torch.get_num_threads()} threads"
    yield f"kdstudio      {VECTORS:,} vectors {each:8.2f} s an iteration, the mean of {iterations}"
    yield f"in full       {each * ITERATIONS / 60:.1f} min for {ITERATIONS} iterations"
    if device.type == "cuda":
        most = torch.cuda.max_memory_allocated(device)
        yield f"memory        {most / 2**30:.2f} GiB at most, {points.nbytes / 2**30:.2f} of vectors"
    yield from _beside(points[: VECTORS // FRACTION])


def _beside(points: Tensor) -> Iterator[str]:
    """The same points, start and iterations by scikit-learn."""
    own, inertia = _clustered(points, MEASURED)
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged is meant
        theirs = KMeans(TEMPLATES, init=_start(points).cpu().numpy(), n_init=1, max_iter=MEASURED, tol=0.0)
        theirs.fit(points.cpu().numpy())
    seconds = time.perf_counter() - begin
    off = 100 * abs(inertia / theirs.inertia_ - 1)
    each = seconds / (MEASURED + 1)
    yield f"scikit-learn  {len(points):,} vectors {each:8.2f} s an iteration, {each / own:.1f} times ours"
    yield f"inertia differs by {off:.5f} % from the same start after {MEASURED} iterations (asked: {ASKED:g} %)"


def _clustered(points: Tensor, iterations: int) -> tuple[float, float]:
    """Seconds an iteration, and the inertia reached; the closing assignment counts as one, as it does in scikit-learn."""
    work = lloyds.Lloyd(_start(points))
    begin = time.perf_counter()
    work.run(points, iterations)
    _, distances = lloyds.assign(points, work.centroids)
    reached = lloyds.inertia(distances)  # waits for the device
    return (time.perf_counter() - begin) / (iterations + 1), reached


def _start(points: Tensor) -> Tensor:
    return lloyds.start(points, TEMPLATES, torch.Generator().manual_seed(0))


def _vectors(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    middles = torch.randn(10_000, WIDTH, generator=generator).relu()
    drawn = torch.randint(len(middles), (count,), generator=generator)
    return (middles[drawn] + 0.3 * torch.randn(count, WIDTH, generator=generator)).relu()
