"""What a finished run says of itself: accuracy, size, cost, in the words of the runs table and in a closing sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from engine import teachers
from engine.bare import cost_of_parts
from engine.distilling import STAGE, Distilling
from engine.nets.counts import multiply_adds, parameters
from engine.nets.net import Net
from engine.quantize.layers import sizes_of

Costs = Mapping[str, Mapping[str, Any]]
"""Stage -> the ledger of what it cost."""


def of(distilling: Distilling, net: Net, best_epoch: int, methods: Collection[str], costs: Costs) -> dict[str, Any]:
    """The results of a run that ended after `distilling` and keeps `net` as it was after its best epoch: accuracies in percent,
    bytes, seconds of its parts, joules (None where nothing counts them)."""
    history, pictures = distilling.history, distilling.pictures
    by_epoch = {int(h["epoch"]): h for h in history}
    shown = "test" if pictures.test is not None and pictures.test.labels is not None else "held-out"
    sizes = sizes_of(net)
    found: dict[str, Any] = {
        "selection": distilling.chosen_by,
        "best_epoch": best_epoch,
        "epochs": int(history[-1]["epoch"]),
        "parameters": parameters(net),
        "multiply_adds": multiply_adds(net, pictures.shape),
        "bytes": sizes.packed,
        **({"bytes_float32": sizes.plain, "compression": sizes.compression} if net.quantize else {}),
        "seconds_teacher": _seconds(costs, lambda stage: stage == teachers.STAGE),
        "seconds_preparing": _seconds(costs, lambda stage: stage.partition(".")[0] in methods),
        "seconds_distilling": _seconds(costs, lambda stage: stage == STAGE),
        "joules": _sum(cost["joules"] for cost in costs.values()),
        **({"weights_moved": sorted(distilling.weights.moved)} if distilling.weights.moved else {}),
        **cost_of_parts(net, pictures.shape),
    }
    if shown in history[-1]:
        found |= {
            "split": shown,
            "top1": by_epoch[best_epoch][shown],
            "top1_last": history[-1][shown],
            "top1_highest": max(h[shown] for h in history),
        }
    if "agreement" in by_epoch[best_epoch]:
        found["agreement"] = by_epoch[best_epoch]["agreement"]
    return found


def in_words(results: Mapping[str, Any]) -> str:
    """The closing sentence."""
    if "top1" not in results:
        return f"Done after {results['epochs']} epochs; no labelled images to measure accuracy on."
    return (
        f"Done: {results['top1']:.2f} % top-1 on the {results['split']} images "
        f"(epoch {results['best_epoch']} of {results['epochs']}, chosen {results['selection']})."
    )


def _seconds(costs: Costs, counts: Callable[[str], bool]) -> float:
    """Seconds of the stages that count."""
    return sum(float(cost["seconds"] or 0) for stage, cost in costs.items() if counts(stage))


def _sum(values: Iterable[float | None]) -> float | None:
    known = [float(v) for v in values if v is not None]
    return sum(known) if known else None
