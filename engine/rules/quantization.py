"""Rules on the quantization of the student, and what its size comes to."""

from __future__ import annotations

from collections.abc import Iterator

from engine.presets import Problem
from engine.quantize.settings import FULL
from engine.quantize.sizes import Sizes, of_card
from engine.rules.case import Case


def size(case: Case) -> Sizes | None:
    """Bytes of the student, quantized and in float32, without what methods put into it; None where nothing is quantized, or
    nobody counted."""
    settings, net = case.experiment.student.quantize, case.nets["student.net"]
    data = case.catalogue.datasets[case.experiment.dataset.name]
    counted = net.size_on(data.channels, case.side, data.classes)
    if not settings.wanted or net.layers is None or counted is None:
        return None
    return of_card(settings, net.layers, counted[0], data.channels, data.classes)


def _activations(case: Case) -> Iterator[Problem]:
    settings, net = case.experiment.student.quantize, case.nets["student.net"]
    if settings.activations == FULL:
        return
    path = "student.quantize.activations"
    if net.layers is not None and not net.layers.activations:
        sentence = f"{net.title} does not put its activations out by ReLU modules alone, in whose place quantizers would stand"
        yield Problem(path, f"{sentence}; set this to 32, or choose another student")
    if case.experiment.run.precision == "float16" and settings.steps == "learned":
        sentence = "float16 scales the loss, and the gradients of the steps are bounded: use bfloat16 or float32"
        yield Problem("run.precision", f"{sentence}, or fixed steps of activations")


RULES = (_activations,)
