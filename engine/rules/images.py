"""Rules on the images: where they lie and how large they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.presets import Problem
from engine.rules.case import Case


def _data(case: Case) -> Iterator[Problem]:
    settings, card = case.experiment.dataset, case.catalogue.datasets[case.experiment.dataset.name]
    if card.needs_folder and not settings.root:
        yield Problem("dataset.root", f"{card.title} is read from a folder of your own; choose it")
    elif settings.root and not Path(settings.root).expanduser().is_dir():
        otherwise = "" if card.needs_folder else ", or leave it empty for the folder of downloads"
        yield Problem("dataset.root", f"there is no folder {settings.root!r}; choose another{otherwise}")
    if settings.name == "unlabelled" and settings.test_root and not Path(settings.test_root).expanduser().is_dir():
        yield Problem("dataset.test_root", f"there is no folder {settings.test_root!r}; choose another, or leave it empty")
    if settings.labels and not card.labelled:
        yield Problem("dataset.labels", f"the images of {card.title!r} have no labels; turn it off")


def _sides(case: Case) -> Iterator[Problem]:
    size = case.experiment.dataset.size
    exact = {path: card.exact for path, card in case.nets.items() if card.exact}
    if len(set(exact.values())) > 1:
        wants = " and ".join(f"{case.nets[path].title} takes only {side} x {side}" for path, side in exact.items())
        yield Problem("teacher.net", f"{wants} pixels: they cannot look at the same images")
    if size == "auto":
        return
    for card in case.nets.values():
        if card.exact and size != card.exact:
            yield Problem("dataset.size", f"{card.title} takes only {card.exact} x {card.exact} pixels; set it to auto")
        elif size < card.smallest:
            yield Problem("dataset.size", f"{card.title} takes images from {card.smallest} x {card.smallest} pixels on")


RULES = (_data, _sides)
