"""`kdstudio bench affinity`: what the affinity loss costs as it is defined, exactly by C x C products, and by estimates."""

from __future__ import annotations

import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import psutil
import torch
from torch import Tensor

from engine import affinity as losses
from engine.presets import Resolved

SIDES = (8, 16, 32, 64, 128)
CHANNELS, BATCH = 64, 4
PROJECTIONS = (1, 6, 15)
ROUNDS = 3
STEADY = 32
"""From this side on the time is reckoned to grow as it goes on: below, starting an operation counts as much as its work."""
COMPARED = 64
FASTER, SMALLER, EXPONENT = 20, 50, 2.2
"""What is asked of the exact loss: times as fast as naive, its extra memory over naive's, and the exponent of its growth."""
NAIVE = "naive"
COPIES = 6
"""Matrices of places x places that naive keeps at once, rounded up."""

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Cost:
    """Seconds of value and gradient, medians, and the most bytes that were allocated beside the maps."""

    forward: float
    backward: float
    extra: int

    @property
    def both(self) -> float:
        """Seconds of a loss that is learned from."""
        return self.forward + self.backward


def affinity(resolved: Resolved) -> Iterator[str]:
    """Time and extra memory of each way, growing maps; only `run.threads` is read of the experiment."""
    threads = resolved.experiment.run.threads
    if threads != "auto":
        torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    where = f"{torch.get_num_threads()} CPU thread(s)" if device.type == "cpu" else torch.cuda.get_device_name(device)
    yield f"Squared affinity loss, {CHANNELS} channels, batch of {BATCH}, float32, {where}"
    yield f"{'H':>4}  {'way':10} {'forward':>11} {'backward':>11} {'both':>11} {'extra memory':>14}"
    costs: dict[tuple[str, int], Cost] = {}
    for side in SIDES:
        for way, cost in _at(side, device):
            if cost is None:
                needs, free = (f"{b / 1e9:.1f} GB" for b in (_naive_bytes(side), _free(device)))
                yield f"{side:4}  {way:10} skipped: it needs about {needs}, and {free} are free"
                continue
            costs[way, side] = cost
            yield (
                f"{side:4}  {way:10} {1e3 * cost.forward:8.2f} ms {1e3 * cost.backward:8.2f} ms {1e3 * cost.both:8.2f} ms "
                f"{cost.extra / 2**20:10.2f} MiB"
            )
    yield from _judged(costs)


def _judged(costs: Mapping[tuple[str, int], Cost]) -> Iterator[str]:
    """The ratios, each beside what is asked."""
    naive, exact = costs.get((NAIVE, COMPARED)), costs[("exact", COMPARED)]
    if naive is None:
        yield f"exact / naive: naive did not fit at H = {COMPARED}"
    else:
        yield (
            f"exact at H = {COMPARED}: {naive.both / exact.both:.1f} times as fast as naive (asked: {FASTER}), "
            f"1/{naive.extra / exact.extra:.0f} of its extra memory (asked: 1/{SMALLER})"
        )
    for way in dict.fromkeys(name for name, _ in costs):
        points = [(side, costs[way, side].both) for side in SIDES if side >= STEADY and (way, side) in costs]
        asked = f" (asked: at most {EXPONENT})" if way == "exact" else ""
        if len(points) > 1:
            yield f"{way:10} grows with H to the power of {growth(points):.2f} from {points[0][0]} to {points[-1][0]}{asked}"


def growth(points: Sequence[tuple[float, float]]) -> float:
    """The exponent of the power law through (size, time), by least squares of the logarithms."""
    found = statistics.linear_regression([math.log(x) for x, _ in points], [math.log(t) for _, t in points])
    return found.slope


def ways(places: int, device: torch.device) -> dict[str, Loss]:
    """Every way to the loss of maps of so many places."""
    chance = torch.Generator(device=device).manual_seed(0)
    found: dict[str, Loss] = {NAIVE: naive, "exact": losses.squared}
    for k in PROJECTIONS:
        z = torch.randn(places, k, generator=chance, device=device)
        found[f"fast k={k}"] = partial(losses.squared_estimate, z=z)
    return found


def naive(f_s: Tensor, f_t: Tensor) -> Tensor:
    """(B,): the loss as it is defined, by autograd, from both matrices of places x places."""
    return (losses.affinity(f_s) - losses.affinity(f_t)).square().sum(dim=(1, 2))


def _at(side: int, device: torch.device) -> Iterator[tuple[str, Cost | None]]:
    """The cost of each way at one side, rounds interleaved; None for naive where it does not fit."""
    chance = torch.Generator(device=device).manual_seed(side)
    shape = (BATCH, CHANNELS, side, side)
    f_s, f_t = (torch.randn(shape, generator=chance, device=device) for _ in range(2))
    f_s.requires_grad_()
    chosen = ways(side * side, device)
    if _naive_bytes(side) > _free(device) / 2:
        del chosen[NAIVE]
        yield NAIVE, None
    for loss in chosen.values():
        _step(loss, f_s, f_t)
    rounds = [{way: _step(loss, f_s, f_t) for way, loss in chosen.items()} for _ in range(ROUNDS)]
    for way, loss in chosen.items():
        forward, backward = (statistics.median(each[way][i] for each in rounds) for i in (0, 1))
        yield way, Cost(forward, backward, extra_bytes(partial(_step, loss, f_s, f_t), device))


def _step(loss: Loss, f_s: Tensor, f_t: Tensor) -> tuple[float, float]:
    """Seconds of value and of gradient."""
    start = _now(f_s.device)
    value = loss(f_s, f_t).mean() / f_s.shape[2:].numel() ** 2
    middle = _now(f_s.device)
    torch.autograd.grad(value, f_s)
    return middle - start, _now(f_s.device) - middle


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def extra_bytes(work: Callable[[], object], device: torch.device) -> int:
    """The most bytes allocated at once by torch's allocator while the work is done, beyond those from before."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return torch.cuda.max_memory_allocated(device) - before
    with _silent(), torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    assert profiler.profiler is not None
    every = (e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]")
    held = most = 0
    for event in sorted(every, key=lambda e: e.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most


@contextmanager
def _silent() -> Iterator[None]:
    """Nothing on standard error, where torch's profiler announces its beginning and end whatever it is told."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _naive_bytes(side: int) -> int:
    return COPIES * BATCH * side**4 * 4


def _free(device: torch.device) -> int:
    return int(torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available)
